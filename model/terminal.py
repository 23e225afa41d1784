"""How every command talks: to a person on a terminal, to a script elsewhere.

Exit codes are 0, 1 (failed) and 2 (usage). A failure is one line on stderr, never a traceback.
Answers for scripts go to stdout as JSON, everything else to stderr.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from model.errors import InvalidParameter, SightlineError

# Ids hold colons: ":cam:" must not become a picture.
console = Console(stderr=True, highlight=False, emoji=False, soft_wrap=not sys.stderr.isatty())
"""For people: progress, warnings, failures."""

_PIPED_WIDTH = 1000
"""Columns: no row that is made here is as long, so none is folded."""

output = Console(
    highlight=False,
    emoji=False,
    soft_wrap=not sys.stdout.isatty(),
    width=None if sys.stdout.isatty() else _PIPED_WIDTH,
)
"""For what was asked for: tables and texts; wide where no terminal folds them."""


def print_json(answer: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(answer, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def failures_as_exit() -> Iterator[None]:
    """Turn what Sightline raises on purpose into one line and an exit code."""
    try:
        yield
    except InvalidParameter as error:
        console.print(f"error: {error.detail}", style="red", markup=False)
        raise typer.Exit(2) from error
    except SightlineError as error:
        console.print(f"error: {error.detail}", style="red", markup=False)
        raise typer.Exit(1) from error
    except OSError as error:
        # A file or folder of the caller's that cannot be used is no fault of the program's.
        where = f"{error.filename}: " if error.filename else ""
        console.print(f"error: {where}{error.strerror or error}", style="red", markup=False)
        raise typer.Exit(1) from error


class ProgressLine:
    """A bar with rate and time left on a terminal; elsewhere a plain line every tenth."""

    def __init__(self, label: str, total: int, unit: str) -> None:
        self._label, self._total, self._unit = label, total, unit
        self._done = self._printed = 0
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(label, total=total, rate="", note="")

    def __enter__(self) -> "ProgressLine":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, amount: int = 1, note: str = "") -> None:
        self._done += amount
        speed = self._bar.tasks[0].speed
        rate = f"{speed:.1f} {self._unit}/s" if speed else ""
        self._bar.update(self._task, advance=amount, rate=rate, note=note)
        if not console.is_terminal and self._tenth() > self._printed:
            self._printed = self._tenth()
            console.print(f"{self._label}: {self._done}/{self._total} {note}".rstrip())

    def _tenth(self) -> int:
        return 10 * self._done // max(self._total, 1)
