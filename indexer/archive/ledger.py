"""What an archive's indexing has not managed, and why: durable, beside the gallery's own files.

Only failures stand here. What was enrolled is known to the gallery alone, so that the two cannot
disagree: a run that was killed is resumed by asking the gallery, never by this book. An entry goes
away when a later run ends without meeting it again.
"""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from indexer.archive.sources import Archive
from indexer.store import translated

LEDGER = "archive-ledger.sqlite3"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS failures (
    archive TEXT NOT NULL,
    place TEXT NOT NULL,
    tracklet_id TEXT,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    last_at TEXT NOT NULL,
    PRIMARY KEY (archive, place)
) STRICT
"""


@dataclass(frozen=True)
class Failure:
    """One place of an archive that is not indexed."""

    place: str
    reason: str
    tracklet_id: str | None
    attempts: int
    last_at: str


class Ledger:
    """The failures of one gallery's archives. For one thread.

    Every method raises `StorageFull`, `StorageFailed`, `GalleryCorrupt` and `GalleryLocked`.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / LEDGER
        with translated(), ExitStack() as undo:
            path.touch(mode=0o600, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=10)
            undo.callback(self._connection.close)
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.execute(_SCHEMA)
            undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def failed(self, archive: Archive, place: str, reason: str, tracklet_id: str | None) -> None:
        """Write down that a place was not indexed; a further attempt counts up."""
        self._execute(
            "INSERT INTO failures VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET "
            "reason = excluded.reason, attempts = attempts + 1, last_at = excluded.last_at",
            (archive.name, place, tracklet_id, reason, _stamp(datetime.now(UTC))),
        )

    def forget(self, archive: Archive, before: datetime) -> None:
        """Drop what has not failed again since `before`."""
        self._execute(
            "DELETE FROM failures WHERE archive = ? AND last_at < ?",
            (archive.name, _stamp(before)),
        )

    def strike_out(self, tracklet_ids: Sequence[str]) -> None:
        """Leave no trace of these tracklets, of whichever archive."""
        self._execute(
            "DELETE FROM failures WHERE tracklet_id IN (SELECT value FROM json_each(?))",
            (json.dumps(tracklet_ids),),
        )

    def failures(self, archive: Archive) -> Sequence[Failure]:
        """In the order of their places."""
        rows = self._execute(
            "SELECT place, reason, tracklet_id, attempts, last_at FROM failures "
            "WHERE archive = ? ORDER BY place",
            (archive.name,),
        )
        return [Failure(*row) for row in rows]

    def _execute(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with translated():
            return self._connection.execute(statement, values).fetchall()


def _stamp(time: datetime) -> str:
    """RFC 3339 of one fixed width, so that the order of the texts is the order of the times."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
