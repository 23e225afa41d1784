"""What an ablation found, as JSON and as the table of a page in Markdown."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from model.errors import InvalidParameter
from model.learning.bootstrap import intervals_over_seeds
from model.learning.experiment import PLAN, Cell, Trial
from model.learning.metrics import Retrieval
from model.learning.reporting import retrieval_from_json

_BLOCK = re.compile(r"(?s)<!-- ablation -->\n.*?<!-- end -->")
_SHOWN: Final = ("rank-1", "mAP")
_NAMES: Final = {
    "cnn": "CNN baseline, one stage more than the others",
    "cnn-three-stages": "CNN, the stages that the others have",
    "vanilla": "vanilla Transformer",
    "spatial": "+ spatial constraint",
    "temporal": "+ spatial and temporal constraints",
    "global": "+ spatial, temporal, global",
    "mean-query": "… + query with the mean",
    "identity": "… + identity initialisation",
    "contrast": "… + supervised contrast",
    "visibility": "… + supervised attention",
    "ours": "… + all four",
}
_TITLES: Final = {
    "paper": "The paper's rows",
    "control": "Controls",
    "ours": "Our additions to `global`",
}


def summarise(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """One entry per cell: means over seeds with intervals over people and seeds, per protocol.

    A cell that changes another one in one thing also says how much, paired over seeds and people.
    """
    by_cell: dict[tuple[str, bool], list[Trial]] = {}
    for trial in trials:
        by_cell.setdefault((trial.cell.row, trial.cell.pretrained), []).append(trial)
    entries = []
    for cell in PLAN:
        runs = by_cell.get((cell.row, cell.pretrained))
        if runs is not None:
            before = None if cell.compared_with is None else by_cell.get(cell.compared_with)
            entries.append(_entry(cell, runs, before))
    return entries


def _entry(cell: Cell, runs: list[Trial], before: list[Trial] | None) -> dict[str, Any]:
    protocols = []
    for place, first in enumerate(runs[0].report["protocols"]):
        people = np.array(first["per_query"]["identity"], np.int64)
        ours = [_retrieval(trial, place) for trial in runs]
        entry: dict[str, Any] = {
            "protocol": first["protocol"],
            "valid_queries": first["valid_queries"],
            "scores": _means(runs, place),
            "by_seed": [trial.report["protocols"][place]["scores"]["mAP"] for trial in runs],
            "intervals_95": _listed(intervals_over_seeds(ours, people)),
        }
        if before is not None and len(before) == len(runs):
            theirs = [_retrieval(trial, place) for trial in before]
            means, others = _means(runs, place), _means(before, place)
            entry["difference"] = {name: means[name] - others[name] for name in means}
            entry["difference_95"] = _listed(intervals_over_seeds(ours, people, theirs))
        protocols.append(entry)
    return {
        "row": cell.row,
        "pretrained": cell.pretrained,
        "group": cell.group,
        "compared_with": cell.compared_with,
        "seeds": [trial.seed for trial in runs],
        "train_frames": runs[0].report["train_frames"],
        "train_seconds": sum(trial.report["train_seconds"] for trial in runs),
        "protocols": protocols,
    }


def _retrieval(trial: Trial, place: int) -> Retrieval:
    return retrieval_from_json(trial.report["protocols"][place]["per_query"])


def _means(runs: Sequence[Trial], place: int) -> dict[str, float]:
    scores = [trial.report["protocols"][place]["scores"] for trial in runs]
    return {name: float(np.mean([one[name] for one in scores])) for name in scores[0]}


def _listed(bounds: dict[str, tuple[float, float]]) -> dict[str, list[float]]:
    return {name: [low, high] for name, (low, high) in bounds.items()}


def markdown(answer: dict[str, Any]) -> str:
    """The tables of a page, with how they came about."""
    setup, cells = answer["setup"], answer["cells"]
    lines = [_setup(setup, cells), ""]
    for place, protocol in enumerate(cells[0]["protocols"]):
        kind = "fine-tuned and tested on one world" if place == 0 else "direct transfer"
        lines += [f"**{protocol['protocol']}** ({kind}), {protocol['valid_queries']} queries", ""]
        lines += _table(cells, place)
    return "\n".join(lines)


def _setup(setup: dict[str, Any], cells: Sequence[dict[str, Any]]) -> str:
    seconds = sum(cell["train_seconds"] for cell in cells)
    steps = setup["steps"]
    before = setup["pretraining"]
    return "\n".join(
        [
            f"- Recipe `{setup['recipe']}`, network of {setup['height']}x{setup['width']} frames, "
            f"{steps} steps of {setup['frames_per_step']} frames for each training; backbone from "
            f"`{setup['initial_weights']}`.",
            f"- Fine-tuned on {setup['train_people']} people in {setup['train_tracklets']} "
            f"tracklets of `{setup['dataset']}`, tested on others of the same cameras.",
            "- The stage that the CNN baseline has more starts from "
            + ("ImageNet as well." if setup["baseline_initialised"] else "random weights."),
            "- Not pre-trained on anything but ImageNet."
            if before is None
            else f"- Pre-trained, where the column says so, on {before['people']} people in "
            f"{before['tracklets']} tracklets of `{before['dataset']}` for {before['steps']} "
            "steps.",
            f"- Means over {setup['seeds']} seeds; intervals are 95 %, over people and seeds. "
            "*Change* is against the row named last, over the same people and seeds: where its "
            "interval holds 0, nothing was shown.",
            f"- {setup['machine']}, {setup['cores']} cores; {seconds / 60:.0f} minutes of training "
            "in all.",
        ]
    )


def _table(cells: Sequence[dict[str, Any]], place: int) -> list[str]:
    lines = [
        "| row | pre-training | rank-1 | mAP | 95 % of mAP | change of mAP | against |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    group = None
    for cell in cells:
        if cell["group"] != group:
            group = cell["group"]
            lines.append(f"| *{_TITLES[group]}* | | | | | | |")
        found = cell["protocols"][place]
        rank, precision = (f"{100 * found['scores'][name]:.1f}" for name in _SHOWN)
        low, high = (100 * bound for bound in found["intervals_95"]["mAP"])
        lines.append(
            f"| {_NAMES[cell['row']]} | {'yes' if cell['pretrained'] else 'no'} | {rank} | "
            f"{precision} | {low:.1f} to {high:.1f} | {_change(found)} | {_against(cell)} |"
        )
    return [*lines, ""]


def _change(found: dict[str, Any]) -> str:
    if "difference" not in found:
        return ""
    low, high = (100 * bound for bound in found["difference_95"]["mAP"])
    text = f"{100 * found['difference']['mAP']:+.1f} ({low:+.1f} to {high:+.1f})"
    return text if low <= 0 <= high else f"**{text}**"


def _against(cell: dict[str, Any]) -> str:
    if cell["compared_with"] is None or "difference" not in cell["protocols"][0]:
        return ""
    row, pretrained = cell["compared_with"]
    return f"`{row}`, pre-trained" if pretrained else f"`{row}`"


def write_page(path: Path, answer: dict[str, Any]) -> None:
    """Put the tables between a page's markers; make a page of them where there is none.

    Raises `InvalidParameter` where the page has no `<!-- ablation -->` … `<!-- end -->`.
    """
    block = f"<!-- ablation -->\n{markdown(answer)}<!-- end -->"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# The ablation\n\n{block}\n", encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8")
    if not _BLOCK.search(text):
        raise InvalidParameter(
            f"{path} has no place for a table: `<!-- ablation -->` … `<!-- end -->`"
        )
    path.write_text(_BLOCK.sub(lambda _: block, text), encoding="utf-8")
