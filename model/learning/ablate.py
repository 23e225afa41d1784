"""The paper's tables as one experiment: every row trained alike, with and without pre-training.

What the tables do not hold is added: the baseline is pre-trained too, and a three-stage baseline
shows what the missing initial weights of the fourth stage cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.table import Table

from model.datasets.tracklets import Dataset, Protocol
from model.learning.embed import NetworkEmbedder
from model.learning.evaluate import ProtocolReport, embed_protocols
from model.learning.presets import with_budget
from model.learning.trainer import Run, train
from model.learning.variants import Row, with_row
from model.network.weights import load_weights


@dataclass(frozen=True)
class Cell:
    """One row of a table, from scratch or after pre-training."""

    row: Row
    pretrained: bool
    report: ProtocolReport

    def as_json(self) -> dict[str, Any]:
        return {"row": self.row, "pretrained": self.pretrained} | self.report.as_json()


@dataclass(frozen=True)
class Experiment:
    """`base` says how and on what to train; its last stage is the one that rows change.

    Each row starts from `init` (ImageNet weights of the backbone) and, where there is a world to
    pre-train on, once more from itself trained there with the same recipe.
    """

    base: Run
    protocol: Protocol
    pretraining: Dataset | None
    init: Path | None
    frames: int
    steps: int | None
    """Of each training; None: as the recipe says."""

    def cell(self, row: Row, *, pretrained: bool) -> Cell:
        """Train one row, or go on where it was stopped, and test it."""
        init = self.init
        if pretrained:
            assert self.pretraining is not None
            first = self._run(row, f"{row}-pretraining", self.pretraining)
            init = train(first, resume=True, init=init)
        run = self._run(row, f"{row}-pretrained" if pretrained else row, self.base.dataset)
        weights = train(run, resume=True, init=init)
        network = load_weights(weights).to(run.device)
        embedder = NetworkEmbedder(network, run.device)
        (embedded,) = embed_protocols([self.protocol], embedder, frames=self.frames)
        return Cell(row, pretrained, embedded.report())

    def _run(self, row: Row, name: str, dataset: Dataset) -> Run:
        config = with_row(self.base.config, row)
        return replace(
            self.base,
            config=config if self.steps is None else with_budget(config, self.steps),
            dataset=dataset,
            development=None,
            folder=self.base.folder / name,
        )


def ablation_table(cells: Sequence[Cell]) -> Table:
    """Rows as in the paper's tables, rank-1 / mAP with the interval of mAP."""
    table = Table(title=cells[0].report.protocol)
    for name in ("row", "pre-training", "rank-1", "mAP", "95 %"):
        table.add_column(name)
    for cell in cells:
        scores, (low, high) = cell.report.scores, cell.report.intervals["mAP"]
        rank, precision = (f"{100 * scores[name]:.1f}" for name in ("rank-1", "mAP"))
        bounds = f"[{100 * low:.1f}, {100 * high:.1f}]"
        table.add_row(cell.row, "yes" if cell.pretrained else "no", rank, precision, bounds)
    return table
