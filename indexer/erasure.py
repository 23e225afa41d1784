"""Erasing down to the bytes, with a receipt; what cannot be finished at once is not forgotten.

Order: the saved index goes first (it holds the same bytes), then rows, vectors and pictures in one
transaction with a tombstone and with their part of the cameras' statistics, then what serves
forgets them, then the write-ahead log is emptied into the file. A refresh or a reader can hold the
last two steps up; then the erasure stays open in the store until a repetition, or the next start,
has finished it.
"""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from indexer import audit, seals
from indexer.archive.ledger import LEDGER, Ledger
from indexer.camera_statistics import tallying
from indexer.hashing import uuid7
from indexer.records import Receipt
from indexer.room import give_up_reserve, keep_reserve
from indexer.rows import now_micros, time_of
from indexer.saved import forget
from indexer.store import Store, next_generation
from model.errors import ErasePending, GalleryCorrupt, NotFound, StorageFull

_log = logging.getLogger(__name__)

_TRACKLETS_AT_ONCE = 256
_TRACKLETS_AT_ONCE_WHEN_FULL = 1

_Find = Callable[[sqlite3.Connection, int], list[tuple[int, str]]]
"""Up to so many (number, id) of the tracklets that are still to go."""


class Erasures:
    """Erases in one gallery's folder. Safe from any thread."""

    def __init__(self, store: Store, deadline: float, settle: Callable[[], None]) -> None:
        """`settle` lets what serves forget the rows that are gone, or raises `ErasePending`."""
        self._store = store
        self._settle = settle
        self._folder = store.file.parent
        self._deadline = deadline

    def tracklet(self, tracklet_id: str, actor: str) -> Receipt:
        """Raises `NotFound`, `ErasePending`, `StorageFull`."""

        def find(connection: sqlite3.Connection, most: int) -> list[tuple[int, str]]:
            sql = "SELECT seq, tracklet_id FROM tracklets WHERE tracklet_id = ? LIMIT ?"
            return connection.execute(sql, (tracklet_id, most)).fetchall()

        return self._erase("erase", self._store.hashes.tracklet(tracklet_id), find, actor)

    def identity(self, identity: str, actor: str) -> Receipt:
        """All tracklets of an identity, and its name in old merges. Raises as `tracklet`."""

        def find(connection: sqlite3.Connection, most: int) -> list[tuple[int, str]]:
            sql = "SELECT seq, tracklet_id FROM tracklets WHERE identity = ? LIMIT ?"
            rows = connection.execute(sql, (identity, most)).fetchall()
            if rows:
                connection.execute("DELETE FROM merges WHERE ? IN (source, target)", (identity,))
            return rows

        return self._erase("erase_identity", self._store.hashes.identity(identity), find, actor)

    def enrolled_before(self, micros: int, actor: str) -> Receipt:
        """Everything enrolled earlier than that. Raises as `tracklet`."""

        def find(connection: sqlite3.Connection, most: int) -> list[tuple[int, str]]:
            sql = "SELECT seq, tracklet_id FROM tracklets WHERE created_at < ? LIMIT ?"
            return connection.execute(sql, (micros, most)).fetchall()

        return self._erase("expire", self._store.hashes.retention(), find, actor)

    def finish_open(self) -> None:
        """Try once to bring erasures to their end that a reader or a kill interrupted."""
        receipts = self._unfinished()
        if receipts:
            self._empty_log(receipts, 0)

    def _unfinished(self) -> list[str]:
        """Erasures whose rows are gone, but not surely their bytes."""
        with self._store.reading() as connection:
            rows = connection.execute("SELECT receipt_id FROM erasures WHERE bytes_gone = 0")
            return [row[0] for row in rows]

    def _empty_log(self, receipts: list[str], deadline: float) -> bool:
        """Get rid of the bytes of these erasures, which were committed before."""
        if not self._store.empty_log(deadline):
            return False
        with self._store.writing(for_erasing=True) as connection:
            for receipt_id in receipts:
                _mark(connection, receipt_id, "bytes_gone")
        return True

    def _erase(self, action: str, subject: bytes, find: _Find, actor: str) -> Receipt:
        """On a full disk even a deletion needs room for the log: it comes out of the reserve."""
        try:
            return self._attempt(action, subject, find, actor, _TRACKLETS_AT_ONCE)
        except StorageFull:
            give_up_reserve(self._folder)
        try:
            # What the log has gathered needs less room in the database than it has here.
            self._store.empty_log(0)
            return self._attempt(action, subject, find, actor, _TRACKLETS_AT_ONCE_WHEN_FULL)
        finally:
            keep_reserve(self._folder)

    def _attempt(
        self, action: str, subject: bytes, find: _Find, actor: str, at_once: int
    ) -> Receipt:
        receipt_id = self._remove_rows(action, subject, find, actor, at_once)
        self._settle()
        if not self._empty_log(self._unfinished(), self._deadline):
            raise ErasePending(
                "the rows are gone, but a reader holds up the removal of their bytes; "
                "ask again for the receipt"
            )
        with self._store.writing(for_erasing=True) as connection:
            _mark(connection, receipt_id, "answered")
            return _receipt(connection, receipt_id)

    def _remove_rows(
        self, action: str, subject: bytes, find: _Find, actor: str, at_once: int
    ) -> str:
        """Delete what `find` finds, a few at a time; the id of the open erasure."""
        receipt_id, more = "", True
        while more:
            with self._store.writing(for_erasing=True) as connection:
                rows = find(connection, at_once)
                more = len(rows) == at_once
                if not receipt_id:
                    receipt_id = _open_erasure(connection, subject, actor, bool(rows))
                    audit.record(connection, actor, action, subject)
                if rows:
                    # Inside the transaction: nobody can save the index again in between.
                    forget(self._folder)
                    _strike_out(self._folder, [tracklet_id for _, tracklet_id in rows])
                    _delete(connection, receipt_id, rows, self._store.hashes.tracklet)
            if at_once == _TRACKLETS_AT_ONCE_WHEN_FULL:
                self._store.empty_log(self._deadline)
        return receipt_id


def _open_erasure(
    connection: sqlite3.Connection, subject: bytes, actor: str, something_left: bool
) -> str:
    """The unanswered erasure of this subject, or a new one. Raises `NotFound`."""
    row = connection.execute(
        "SELECT receipt_id FROM erasures WHERE subject_hash = ? AND answered = 0", (subject,)
    ).fetchone()
    if row is not None:
        return str(row[0])
    if not something_left:
        raise NotFound("there is nothing of that name to erase")
    receipt_id = uuid7()
    connection.execute(
        "INSERT INTO erasures (receipt_id, subject_hash, erased_at, actor, tracklets, pictures,"
        " generation) VALUES (?, ?, ?, ?, 0, 0, 0)",
        (receipt_id, subject, now_micros(), actor),
    )
    seals.renew(connection, "erasures", "receipt_id = ?", receipt_id)
    return receipt_id


def _delete(
    connection: sqlite3.Connection,
    receipt_id: str,
    rows: list[tuple[int, str]],
    hash_id: Callable[[str], bytes],
) -> None:
    change, now = next_generation(connection), now_micros()
    pictures = 0
    with tallying(connection) as tally:
        for seq, tracklet_id in rows:
            tally.erased(seq)
            # Vector, pictures and merge entries go with the row, by the tables' own rules.
            removed = connection.execute(
                "DELETE FROM tracklets WHERE seq = ? RETURNING pictures", (seq,)
            ).fetchone()
            pictures += int(removed[0])
            connection.execute("INSERT INTO removals VALUES (?1, ?2, seal(?1, ?2))", (change, seq))
            connection.execute(
                "INSERT OR REPLACE INTO tombstones VALUES (?1, ?2, seal(?1, ?2))",
                (hash_id(tracklet_id), now),
            )
    connection.execute("DELETE FROM merges WHERE merge_id NOT IN (SELECT merge_id FROM merged)")
    connection.execute(
        "UPDATE erasures SET tracklets = tracklets + ?, pictures = pictures + ?, generation = ?,"
        " bytes_gone = 0 WHERE receipt_id = ?",
        (len(rows), pictures, change, receipt_id),
    )
    seals.renew(connection, "erasures", "receipt_id = ?", receipt_id)


def _strike_out(folder: Path, tracklet_ids: list[str]) -> None:
    """The archives' ledger may know an erased tracklet as one that failed before or since."""
    if not (folder / LEDGER).exists():
        return
    try:
        with Ledger(folder) as ledger:
            ledger.strike_out(tracklet_ids)
    except GalleryCorrupt as error:
        # Nothing else depends on it, and no name may stay in it.
        _log.error("the ledger of archives is removed, it cannot be read: %s", error)
        (folder / LEDGER).unlink()


def _mark(connection: sqlite3.Connection, receipt_id: str, column: str) -> None:
    statement = f"UPDATE erasures SET {column} = 1 WHERE receipt_id = ?"  # noqa: S608 (literals)
    connection.execute(statement, (receipt_id,))
    seals.renew(connection, "erasures", "receipt_id = ?", receipt_id)


def _receipt(connection: sqlite3.Connection, receipt_id: str) -> Receipt:
    row: tuple[Any, ...] = connection.execute(
        "SELECT erased_at, actor, tracklets, pictures, subject_hash, generation, bytes_gone"
        " FROM erasures WHERE receipt_id = ?",
        (receipt_id,),
    ).fetchone()
    return Receipt(
        receipt_id=receipt_id,
        erased_at=time_of(row[0]),
        actor=row[1],
        tracklets=row[2],
        pictures=row[3],
        subject_hash=row[4].hex(),
        generation=row[5],
        physical="done" if row[6] else "pending",
    )
