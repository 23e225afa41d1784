"""Draws what a training wrote into its log.jsonl: losses over steps, and scores of unseen people.

python -m benchmarks.training_curves runs/full --out docs/pictures/training.svg
"""

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.fonttype"] = "none"
matplotlib.rcParams["svg.hashsalt"] = "sightline"  # the same log gives the same file
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402

from model.errors import InvalidParameter  # noqa: E402

LOSS = "loss/"
SHOWN = {"rank-1": "tab:blue", "mAP": "tab:orange"}
SMOOTHING = 5
"""Batches differ much in shape and so in loss: so many logged values make one dot."""

Line = dict[str, Any]


def read_log(path: Path) -> dict[str, list[Line]]:
    """The log's lines by stage, in the order of the stages. Raises `InvalidParameter` for none."""
    if not path.is_file():
        raise InvalidParameter(f"no training has written {path}")
    stages: dict[str, dict[tuple[int, bool], Line]] = {}
    for text in path.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        # A run that was killed goes on from its checkpoint and writes some steps again.
        place = (line["step"], f"{LOSS}total" in line)
        stages.setdefault(line["stage"], {})[place] = line
    if not stages:
        raise InvalidParameter(f"{path} is empty")
    return {stage: [lines[place] for place in sorted(lines)] for stage, lines in stages.items()}


def draw(stages: dict[str, list[Line]], path: Path) -> None:
    """One row per stage: its losses on the left, its scores while it trained on the right."""
    figure, rows = plt.subplots(
        len(stages), 2, figsize=(9, 3.2 * len(stages)), squeeze=False, layout="constrained"
    )
    for (name, lines), (losses, scores) in zip(stages.items(), rows, strict=True):
        _losses(losses, name, [line for line in lines if f"{LOSS}total" in line])
        _scores(scores, name, [line for line in lines if f"{LOSS}total" not in line])
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _losses(axes: Axes, stage: str, lines: list[Line]) -> None:
    """Every part that is not 0 throughout, weighted as in the total."""
    names = [name for name in (lines[0] if lines else {}) if name.startswith(LOSS)]
    for name in names:
        values = [line[name] for line in lines]
        if any(values):
            dots = [values[k : k + SMOOTHING] for k in range(0, len(values), SMOOTHING)]
            steps = [line["step"] for line in lines][::SMOOTHING]
            means = [sum(dot) / len(dot) for dot in dots]
            axes.plot(steps, means, label=name.removeprefix(LOSS).replace("_", " "))
    axes.set(title=f"{stage}: losses", xlabel="step", ylim=(0, None))
    if names:
        axes.legend(fontsize=7)


def _scores(axes: Axes, stage: str, lines: list[Line]) -> None:
    """Rank-1 and mAP of the development protocol, in percent."""
    for short, colour in SHOWN.items():
        found = [
            (line["step"], 100 * value, name)
            for line in lines
            for name, value in line.items()
            if name.endswith(f"/{short}")
        ]
        if found:
            steps, values, names = zip(*found, strict=True)
            axes.plot(steps, values, "o-", color=colour, label=names[0])
    axes.set(title=f"{stage}: people never trained on", xlabel="step", ylabel="%")
    if lines:
        axes.legend(fontsize=7)
    else:
        axes.set_axis_off()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="the folder that `sightline train --out` named")
    parser.add_argument("--out", type=Path, required=True, help="the picture to write (.svg)")
    arguments = parser.parse_args()
    draw(read_log(arguments.run / "log.jsonl"), arguments.out)


if __name__ == "__main__":
    main()
