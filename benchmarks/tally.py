"""What a campaign counted, how several runs of it add up, and how that is kept as JSON."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Tally:
    """The figures of one run of a campaign, or of several together."""

    counts: dict[str, int] = field(default_factory=dict)
    """Added up over runs."""
    peaks: dict[str, float] = field(default_factory=dict)
    """The largest of all runs counts."""
    measured: dict[str, Any] = field(default_factory=dict)
    """Of the last run alone."""
    wrong: list[str] = field(default_factory=list)
    """What did not hold, in words."""

    def count(self, name: str, more: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + more

    def peak(self, name: str, value: float) -> None:
        self.peaks[name] = max(value, self.peaks.get(name, value))

    def expect(self, holds: bool, otherwise: str) -> None:
        """Note what did not hold."""
        if not holds:
            self.wrong.append(otherwise)

    def add(self, other: "Tally") -> None:
        for name, more in other.counts.items():
            self.count(name, more)
        for name, value in other.peaks.items():
            self.peak(name, value)
        self.measured |= other.measured
        self.wrong += other.wrong


@dataclass(frozen=True)
class Campaign:
    """One question to the service or the gallery, asked again and again."""

    name: str
    title: str
    run: Callable[[int, bool], Tally]
    """Takes a seed, and whether it is to be quick."""
    done: str
    """What was done, as a format over the figures."""
    seen: str
    """What was seen, likewise."""

    def row(self, tally: Tally) -> tuple[str, str, str]:
        """The row of the table: done, seen, and whether it holds."""
        figures = _Figures({**tally.counts, **tally.peaks, **tally.measured})
        holds = "yes" if not tally.wrong else f"**no**: {'; '.join(sorted(set(tally.wrong))[:5])}"
        return self.done.format_map(figures), self.seen.format_map(figures), holds


class _Figures(dict[str, Any]):
    """Counts that never came up are nought; large numbers are written with commas."""

    def __init__(self, figures: Mapping[str, Any]) -> None:
        super().__init__({name: _Figure(value) for name, value in figures.items()})

    def __missing__(self, _: str) -> int:
        return 0


class _Figure:
    def __init__(self, value: object) -> None:
        self._value = value

    def __format__(self, spec: str) -> str:
        if isinstance(self._value, str):
            return self._value
        if not spec and isinstance(self._value, int):
            return f"{self._value:,}"
        return format(self._value, spec)


@dataclass(frozen=True)
class Run:
    """One run, with what one must know to run it again."""

    seed: int
    quick: bool
    date: str
    commit: str
    machine: str
    command: str
    seconds: float
    tally: Tally


class Results:
    """A folder with one JSON file per campaign, to which each run is added."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, name: str, run: Run) -> None:
        """It replaces one of the same seed, but a quick run never a full one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        runs = [
            one for one in self.runs(name) if one.seed != run.seed or (run.quick and not one.quick)
        ]
        text = json.dumps([asdict(one) for one in (*runs, run)], indent=1, sort_keys=True)
        self._file(name).write_text(text + "\n", encoding="utf-8")

    def runs(self, name: str) -> list[Run]:
        try:
            entries = json.loads(self._file(name).read_text("utf-8"))
        except FileNotFoundError:
            return []
        return [Run(**{**entry, "tally": Tally(**entry["tally"])}) for entry in entries]

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def together(runs: list[Run]) -> Tally:
    total = Tally()
    for run in runs:
        total.add(run.tally)
    return total
