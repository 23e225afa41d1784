"""What a run tells while it trains: a live line, TensorBoard, one JSON line per report."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from torch.utils.tensorboard import SummaryWriter

from model.terminal import ProgressLine

LOG = "log.jsonl"


class Progress:
    """One stage's reporting, in the leading process alone; `done` steps were made before."""

    def __init__(self, folder: Path, stage: str, steps: int, done: int) -> None:
        self._stage, self._folder = stage, folder
        self._line = ProgressLine(stage, steps, "steps")
        self._writer = SummaryWriter(str(folder / "tensorboard" / stage))
        self._log = (folder / LOG).open("a", encoding="utf-8")
        self._reported, self._frames, self._since = done, 0, time.monotonic()
        self._done = done

    def __enter__(self) -> Self:
        self._line.__enter__()
        self._line.advance(self._done)
        return self

    def __exit__(self, *_: object) -> None:
        self._line.__exit__()
        self._writer.close()
        self._log.close()

    def saw(self, frames: int) -> None:
        """Frames of the step that was just made, for the rate."""
        self._frames += frames

    def report(self, step: int, losses: Mapping[str, float], rate: float) -> None:
        """Means of the losses since the last report, after `step` steps."""
        now = time.monotonic()
        speed = self._frames / max(now - self._since, 1e-9)
        self._frames, self._since = 0, now
        values = {f"loss/{name}": value for name, value in losses.items()}
        self._write(step, values | {"frames_per_second": speed, "learning_rate": rate})
        parts = " ".join(f"{name} {value:.3f}" for name, value in losses.items())
        self._line.advance(step - self._reported, f"{parts} | {speed:.0f} frames/s")
        self._reported = step

    def evaluated(self, step: int, scores: Mapping[str, float], protocol: str) -> None:
        """Scores of an evaluation after `step` steps; its time is not training's."""
        self._write(step, {f"{protocol}/{name}": value for name, value in scores.items()})
        self._line.advance(0, f"{protocol}: mAP {scores['mAP']:.3f}")
        self._frames, self._since = 0, time.monotonic()

    def _write(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        line = {"stage": self._stage, "step": step} | dict(values)
        self._log.write(json.dumps(line) + "\n")
        self._log.flush()
