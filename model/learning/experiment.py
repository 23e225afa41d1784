"""The ablation as one experiment: every row trained alike, several times, and tested alike.

The paper's tables have seven rows. What they lack is added: the baseline pre-trained too, and a
three-stage baseline that shows what the missing initial weights of the fourth stage cost; then our
own additions, one at a time and together.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from model.datasets.tracklets import Dataset, Protocol
from model.errors import InvalidParameter
from model.learning.checkpoint import CHECKPOINT
from model.learning.config import TrainingConfig
from model.learning.embed import NetworkEmbedder
from model.learning.evaluate import embed_protocols
from model.learning.presets import with_budget
from model.learning.rows import Row
from model.learning.trainer import Run, train
from model.learning.variants import with_row
from model.network.weights import load_weights
from model.reports import read_json, write_json

REPORT: Final = "report.json"


@dataclass(frozen=True)
class Cell:
    """One row of the table, from scratch or after pre-training."""

    row: Row
    pretrained: bool
    group: str
    """Whose row it is: "paper", "control" or "ours"."""
    compared_with: "tuple[Row, bool] | None" = None
    """The row that it changes in one thing, and whether that one was pre-trained."""

    @property
    def name(self) -> str:
        return f"{self.row}-pretrained" if self.pretrained else self.row


PLAN: Final = (
    Cell("cnn", False, "paper"),
    Cell("vanilla", False, "paper", ("cnn", False)),
    Cell("spatial", False, "paper", ("vanilla", False)),
    Cell("temporal", False, "paper", ("spatial", False)),
    Cell("temporal", True, "paper", ("temporal", False)),
    Cell("global", False, "paper", ("temporal", False)),
    Cell("global", True, "paper", ("global", False)),
    Cell("cnn", True, "control", ("cnn", False)),
    Cell("cnn-three-stages", False, "control", ("cnn", False)),
    Cell("cnn-three-stages", True, "control", ("cnn-three-stages", False)),
    Cell("mean-query", False, "ours", ("global", False)),
    Cell("identity", False, "ours", ("global", False)),
    Cell("contrast", False, "ours", ("global", False)),
    Cell("visibility", False, "ours", ("global", False)),
    Cell("ours", False, "ours", ("global", False)),
)
"""All rows; those that were pre-trained only where there is a world for it."""


@dataclass(frozen=True)
class Trial:
    """One cell from one seed: what `report.json` in its folder holds."""

    cell: Cell
    seed: int
    report: dict[str, Any]


@dataclass(frozen=True)
class Experiment:
    """`base` says how and on what to train; its last stage is the one that rows change.

    Each row starts from `init` (ImageNet weights of the backbone) and, where there is a world to
    pre-train on, once more from itself trained there with the same recipe.
    """

    base: Run
    protocols: tuple[Protocol, ...]
    """Tests: the set's own people first, then those of other sets (direct transfer)."""
    pretraining: Dataset | None
    init: Path | None
    frames: int
    steps: int | None
    """Of each training; None: as the recipe says."""
    pretraining_steps: int | None = None

    def cells(self, rows: Sequence[Row] | None) -> list[Cell]:
        """What there is to do; None for all rows."""
        return [
            cell
            for cell in PLAN
            if (rows is None or cell.row in rows)
            and (self.pretraining is not None or not cell.pretrained)
        ]

    def run(
        self, cells: Sequence[Cell], seeds: int, told: Callable[[Trial], None] = lambda _: None
    ) -> list[Trial]:
        """Every cell from every seed, seed by seed; what is finished is not done again."""
        trials = []
        for seed in range(seeds):
            for cell in cells:
                trials.append(self.trial(cell, seed))
                told(trials[-1])
        return trials

    def trial(self, cell: Cell, seed: int) -> Trial:
        """Train one row, or go on where it was stopped, and test it.

        Raises `InvalidParameter` where the folder holds a trial of another recipe or other data.
        """
        run = self._run(cell.row, f"{cell.name}-{seed}", seed, self.base.dataset, self.steps)
        path, key = run.folder / REPORT, self._key(run.config, pretrained=cell.pretrained)
        if path.exists():
            report = read_json(path)
            if report.get("key") != key:
                raise InvalidParameter(f"{run.folder} holds a trial of another recipe or data set")
            return Trial(cell, seed, report)
        began = time.monotonic()
        init, first = self.init, None
        if cell.pretrained:
            assert self.pretraining is not None
            first = self._run(
                cell.row,
                f"{cell.name}-{seed}-before",
                seed,
                self.pretraining,
                self.pretraining_steps or self.steps,
            )
            init = train(first, resume=True, init=init)
        weights = train(run, resume=True, init=init)
        trained = time.monotonic() - began
        report = {
            "key": key,
            "row": cell.row,
            "pretrained": cell.pretrained,
            "seed": seed,
            "train_seconds": round(trained, 1),
            "train_frames": sum(frames_seen(one.config) for one in (run, first) if one is not None),
            "protocols": self._tested(weights, run),
        }
        write_json(path, report)
        for one in (run, first):
            # The state of a finished run is several times its weights.
            if one is not None:
                (one.folder / CHECKPOINT).unlink(missing_ok=True)
        return Trial(cell, seed, report)

    def _tested(self, weights: Path, run: Run) -> list[dict[str, Any]]:
        embedder = NetworkEmbedder(load_weights(weights).to(run.device), run.device)
        embedded = embed_protocols(
            self.protocols, embedder, frames=self.frames, workers=run.config.workers
        )
        return [one.report().as_json() for one in embedded]

    def _run(self, row: Row, name: str, seed: int, dataset: Dataset, steps: int | None) -> Run:
        config = with_row(self.base.config, row).model_copy(update={"seed": seed})
        return replace(
            self.base,
            config=config if steps is None else with_budget(config, steps),
            dataset=dataset,
            development=None,
            folder=self.base.folder / name,
        )

    def _key(self, config: TrainingConfig, *, pretrained: bool) -> str:
        """What a trial's result depends on, as a digest."""
        parts = [
            config.model_dump_json(exclude={"workers", "log_every", "checkpoint_every"}),
            self.base.dataset.name,
            str(len(self.base.dataset.train)),
            *(f"{one.name} {len(one.query)}" for one in self.protocols),
            str(self.frames),
            self.base.source,
        ]
        if pretrained and self.pretraining is not None:
            parts += [self.pretraining.name, str(self.pretraining_steps or self.steps)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def frames_seen(config: TrainingConfig) -> int:
    """Frames that a recipe of fixed steps trains on, on average over its batch shapes."""
    total = 0.0
    for stage in config.stages:
        shapes = stage.batch.shapes
        whole = sum(shape.share for shape in shapes)
        per_step = sum(shape.share * shape.size * shape.frames for shape in shapes) / whole
        total += per_step * (stage.steps or 0)
    return round(total)
