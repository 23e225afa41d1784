"""What the commands show a person, in one manner."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from model.terminal import console, output, print_json


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 tracklet`, `2 tracklets`."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def print_rows(names: Iterable[str], rows: Iterable[Iterable[Any]], *, nothing: str) -> None:
    """A table, None as an empty cell; the words `nothing` where there are no rows."""
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")  # an id that is cut off cannot be asked for
    for row in rows:
        # As Text, so that a label with square brackets is not taken for markup.
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    output.print(table if table.row_count else nothing)


def print_pairs(pairs: Mapping[str, Any]) -> None:
    """One line per figure."""
    for name, value in pairs.items():
        output.print(f"{name.replace('_', ' ')}: {value}", markup=False)


def in_words(details: Mapping[str, Any]) -> str:
    """`top_k 10, searched 1200`."""
    return ", ".join(f"{name} {value}" for name, value in details.items())


def print_cursor(next_cursor: str | None) -> None:
    """How to get the next page, where there is one."""
    if next_cursor is not None:
        console.print(f"more with --cursor {next_cursor}")


def print_done(answer: dict[str, str], text: str, *, as_json: bool) -> None:
    """What was done, as JSON or in words."""
    if as_json:
        print_json(answer)
    else:
        output.print(text, markup=False)
