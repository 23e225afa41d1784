"""The append-only log of who did what: the control against misuse.

Searches and views of pictures are in it. Ids and names appear only as keyed hashes; vectors and
pictures never. The tables' triggers refuse to change or cut it.
"""

import json
import logging
import sqlite3
import threading
from collections.abc import Mapping
from typing import Any

from indexer.records import AuditEntry
from indexer.rows import now_micros, time_of, to_json
from indexer.store import Store
from model.errors import GalleryLocked, StorageFull

_log = logging.getLogger(__name__)

_MOST_WAITING = 100_000

_Row = tuple[int, str, str, bytes | None, str]


def record(
    connection: sqlite3.Connection,
    actor: str,
    action: str,
    subject: bytes | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Append one entry inside the caller's transaction; `subject` is a keyed hash."""
    _append(connection, [(now_micros(), actor, action, subject, to_json(details or {}))])


def _append(connection: sqlite3.Connection, entries: list[_Row]) -> None:
    connection.executemany(
        "INSERT INTO audit (at, actor, action, subject_hash, details, seal) VALUES (?1, ?2, ?3, ?4,"
        " ?5, seal(?1, CAST(?2 AS BLOB), CAST(?3 AS BLOB), ?4, CAST(?5 AS BLOB)))",
        entries,
    )


class ReaderLog:
    """Entries of searches and views, which must go on where nothing can be written any more.

    What cannot be written then waits in memory for the next entry, and the program's log says so.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = threading.Lock()
        self._waiting: list[_Row] = []

    @property
    def waiting(self) -> int:
        """Entries that could not be written yet."""
        return len(self._waiting)

    def record(
        self, actor: str, action: str, subject: bytes | None, details: Mapping[str, Any]
    ) -> None:
        with self._turn:
            self._waiting.append((now_micros(), actor, action, subject, to_json(details)))
            try:
                with self._store.logging() as connection:
                    _append(connection, self._waiting)
            except (StorageFull, GalleryLocked) as error:
                del self._waiting[:-_MOST_WAITING]
                _log.error("%d audit entries not written yet: %s", len(self._waiting), error)
            else:
                self._waiting.clear()


def newest(
    connection: sqlite3.Connection, limit: int, before: int | None
) -> tuple[AuditEntry, ...]:
    """Entries with a number below `before`, newest first."""
    rows = connection.execute(
        "SELECT entry, at, actor, action, subject_hash, details FROM audit"
        " WHERE ?1 IS NULL OR entry < ?1 ORDER BY entry DESC LIMIT ?2",
        (before, limit),
    )
    return tuple(
        AuditEntry(
            entry=row[0],
            at=time_of(row[1]),
            actor=row[2],
            action=row[3],
            subject_hash=None if row[4] is None else row[4].hex(),
            details=json.loads(row[5]),
        )
        for row in rows
    )
