"""How a run over an archive ended: for a person a table, for a script JSON."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

_SHOWN = 20


@dataclass(frozen=True)
class Problem:
    """Something that was not indexed."""

    place: str
    reason: str
    tracklet_id: str | None


@dataclass
class Report:
    """Counted while the run goes on. found = indexed + skipped + failed once it is complete."""

    archive: str
    layout: str
    engine: str
    found: int = 0
    """Tracklets in the archive."""
    indexed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """Tracklets that needed nothing, by reason."""
    problems: list[Problem] = field(default_factory=list)
    seconds: float = 0.0
    """Of the whole call: loading the model, finding people in videos, indexing."""
    indexing_seconds: float = 0.0
    embedding_seconds: float = 0.0

    @property
    def failed(self) -> int:
        """Tracklets that could not be indexed."""
        return sum(problem.tracklet_id is not None for problem in self.problems)

    @property
    def refused(self) -> int:
        """Other things that were not read: links, lines of text, whole videos."""
        return len(self.problems) - self.failed

    @property
    def rate(self) -> float:
        """Tracklets per second of indexing."""
        return self.indexed / self.indexing_seconds if self.indexing_seconds else 0.0

    @property
    def embedding_share(self) -> float:
        """Part of the indexing in which the model computed: 1 means that nothing held it up."""
        spent = self.indexing_seconds
        return self.embedding_seconds / spent if spent else 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "archive": self.archive,
            "layout": self.layout,
            "engine": self.engine,
            "tracklets": {
                "found": self.found,
                "indexed": self.indexed,
                "skipped": sum(self.skipped.values()),
                "failed": self.failed,
            },
            "skipped": dict(self.skipped),
            "refused": self.refused,
            "failures": [
                {"place": p.place, "tracklet_id": p.tracklet_id, "reason": p.reason}
                for p in self.problems
            ],
            "seconds": round(self.seconds, 3),
            "indexing_seconds": round(self.indexing_seconds, 3),
            "tracklets_per_second": round(self.rate, 3),
            "embedding_share": round(self.embedding_share, 4),
        }

    def as_table(self) -> Table:
        table = Table("", "tracklets", "", title=f"{self.archive}: {self.layout}", title_style="")
        table.add_row("found", str(self.found), "")
        table.add_row("indexed", str(self.indexed), f"{self.rate:.2f} a second")
        for reason, count in self.skipped.most_common():
            table.add_row("skipped", str(count), reason)
        table.add_row("failed", str(self.failed), "")
        table.add_section()
        table.add_row("seconds", f"{self.seconds:.1f}", "in all")
        table.add_row(
            "", f"{self.indexing_seconds:.1f}", f"indexing, {self.embedding_share:.0%} in the model"
        )
        return table

    def problem_lines(self) -> list[str]:
        """What was not indexed and why, as lines; beyond the first ones only how many more."""
        lines = [f"{problem.place}: {problem.reason}" for problem in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            lines.append(f"… and {len(self.problems) - _SHOWN} more, in the report and the ledger")
        return lines
