"""Copies of a gallery: made while it is in use, put back while nobody uses it.

A backup is a gallery folder itself. Whoever keeps backups keeps what was erased later, until they
are deleted; putting one back erases again what the present gallery knows to be erased, keeps keys
revoked that were revoked since, and carries its audit log on.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexer import audit, seals
from indexer.camera_statistics import tallying
from indexer.lock import LOCK_FILE, ProcessLock
from indexer.room import keep_reserve
from indexer.saved import forget, sync_folder
from indexer.store import FILE, Store, next_generation, translated
from model.errors import (
    GalleryCorrupt,
    GalleryFailure,
    GalleryMissing,
    InvalidParameter,
    StorageFull,
)

_UNFINISHED = "gallery.sqlite3.tmp"
_PAGES_AT_ONCE = 4096
_STEPWISE_ATTEMPTS = 3


def backup(store: Store, to: Path) -> None:
    """Copy one consistent state of the store into the folder `to`.

    Raises `InvalidParameter` where a gallery is there already, `StorageFull`, `StorageFailed`, and
    `GalleryLocked` while another backup goes to the same place.
    """
    _refuse_gallery(to)
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ProcessLock(to / LOCK_FILE) as lock:
        lock.own()
        _refuse_gallery(to)
        with _unfinished(to) as copy:
            _copy(store.file, copy)
            copy.replace(to / FILE)
        sync_folder(to)


def _refuse_gallery(folder: Path) -> None:
    if (folder / FILE).exists():
        raise InvalidParameter(f"there is a gallery in {folder} already")


def restore(source: Path, to: Path) -> None:
    """Put the backup in the folder `source` in the place of the gallery in `to`, if there is one.

    Raises `GalleryLocked` while any process has `to` open, `GalleryMissing` and `GalleryCorrupt`
    for a backup that is none, `StorageFull`, `StorageFailed`; until it has been copied and checked,
    `to` stays as it is.
    """
    if not (source / FILE).is_file():
        raise GalleryMissing(f"there is no backup in {source}")
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ProcessLock(to / LOCK_FILE) as lock:
        lock.own()
        with _unfinished(to) as copy:
            _copy(source / FILE, copy)
            _prepare(copy, to / FILE)
            forget(to)
            # A left-over log must not be replayed into the new file.
            for suffix in ("-wal", "-shm"):
                (to / (FILE + suffix)).unlink(missing_ok=True)
            copy.replace(to / FILE)
        sync_folder(to)
        keep_reserve(to)


def remove_unfinished(folder: Path) -> None:
    """Delete what a killed restore left: a copy that holds people who may be erased by now.

    For whoever holds the gallery's lock, shared or alone, so that no restore is under way.
    """
    for suffix in ("", "-wal", "-shm", "-journal"):
        (folder / (_UNFINISHED + suffix)).unlink(missing_ok=True)


@contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    """Where a copy grows; nothing of it stays when the block fails."""
    remove_unfinished(folder)
    try:
        with translated():
            yield folder / _UNFINISHED
    finally:
        remove_unfinished(folder)


def _copy(source: Path, to: Path) -> None:
    """Page by page in short steps, so that erasures are not held up; where other writers make it
    begin again and again, in one."""
    os.close(os.open(to, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    restarts, least = 0, 1 << 62

    def watch(_status: int, remaining: int, _total: int) -> None:
        nonlocal restarts, least
        restarts += remaining > least
        least = remaining
        if restarts >= _STEPWISE_ATTEMPTS:
            raise _NeverDone

    with closing(sqlite3.connect(source)) as reader, closing(sqlite3.connect(to)) as copy:
        try:
            reader.backup(copy, pages=_PAGES_AT_ONCE, progress=watch, sleep=0.001)
        except _NeverDone:
            reader.backup(copy)
        # One file without a log beside it, so that it can be read from a read-only place.
        copy.execute("PRAGMA journal_mode = DELETE")
    with to.open("rb") as file:
        os.fsync(file.fileno())


class _NeverDone(Exception):
    """Writers outran the copying."""


def _prepare(copy: Path, present: Path) -> None:
    """Check the copy and bring what must not be undone over from the present gallery."""
    with closing(Store(copy)) as store:
        with store.reading() as connection:
            problems = connection.execute("PRAGMA quick_check(1)").fetchall()
        if problems != [("ok",)]:
            raise GalleryCorrupt(f"the backup is damaged: {problems[0][0]}")
        since = _since(present, store)
        with store.writing() as connection, tallying(connection) as tally:
            change = next_generation(connection)
            erased = 0
            for seq, tracklet_id in connection.execute(
                "SELECT seq, tracklet_id FROM tracklets"
            ).fetchall():
                if store.hashes.tracklet(tracklet_id) in since.tombstones:
                    tally.erased(seq)
                    connection.execute("DELETE FROM tracklets WHERE seq = ?", (seq,))
                    connection.execute(
                        "INSERT INTO removals VALUES (?1, ?2, seal(?1, ?2))", (change, seq)
                    )
                    erased += 1
            connection.executemany(
                "INSERT OR REPLACE INTO tombstones VALUES (?1, ?2, seal(?1, ?2))",
                since.tombstones.items(),
            )
            connection.executemany(
                "UPDATE keys SET revoked_at = ? WHERE key_id = ?", since.revocations
            )
            seals.renew(connection, "keys", "revoked_at IS NOT NULL")
            # Entries are numbered without gaps or reuse: what both have is the same.
            connection.executemany(
                "INSERT OR IGNORE INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)", since.audit
            )
            audit.record(connection, "command line", "restore", None, {"erased_again": erased})
        if not store.empty_log(0):
            raise GalleryCorrupt("the restored copy is in use by another program")


@dataclass(frozen=True)
class _Since:
    """What happened to the present gallery and must outlive a restore."""

    tombstones: dict[bytes, int] = field(default_factory=dict)
    revocations: tuple[tuple[int, str], ...] = ()
    audit: tuple[tuple[Any, ...], ...] = ()


def _since(present: Path, copy: Store) -> _Since:
    """Read it; nothing where the present gallery is gone, broken or another."""
    if not present.is_file():
        return _Since()
    with copy.reading() as connection:
        (last,) = connection.execute("SELECT coalesce(max(entry), 0) FROM audit").fetchone()
    try:
        with closing(Store(present)) as store:
            # Its log is taken away soon: a kill after that must find everything in the file.
            store.empty_log(0)
            return _Since() if store.hashes != copy.hashes else _read_since(store, last)
    except StorageFull:
        raise
    except (GalleryFailure, sqlite3.DatabaseError):
        # Restoring is what one does with a gallery that cannot be read.
        return _Since()


def _read_since(present: Store, last: int) -> _Since:
    """What must outlive the restore; the backup's audit log ends with the entry `last`."""
    revoked = "SELECT revoked_at, key_id FROM keys WHERE revoked_at IS NOT NULL"
    with present.reading() as connection:
        return _Since(
            dict(connection.execute("SELECT subject_hash, erased_at FROM tombstones")),
            tuple(connection.execute(revoked)),
            tuple(connection.execute("SELECT * FROM audit WHERE entry > ?", (last,))),
        )
