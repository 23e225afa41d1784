"""Copies of a gallery: made while it is in use, put back while nobody uses it.

A backup is a gallery folder itself. Whoever keeps backups keeps what was erased later, until they
are deleted; putting one back erases again what the present gallery knows to be erased, keeps keys
revoked that were revoked since, and carries its audit log on.
"""

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexer import audit, seals
from indexer.lock import LOCK_FILE, ProcessLock
from indexer.room import keep_reserve
from indexer.saved import forget, sync_folder
from indexer.store import FILE, Store, next_generation
from model.errors import GalleryCorrupt, GalleryFailure, GalleryMissing, InvalidParameter

_UNFINISHED = "gallery.sqlite3.tmp"
_PAGES_AT_ONCE = 4096
_STEPWISE_ATTEMPTS = 3


def backup(store: Store, to: Path) -> None:
    """Copy one consistent state of the store into the folder `to`.

    Raises `InvalidParameter` where a gallery is there already.
    """
    if (to / FILE).exists():
        raise InvalidParameter(f"there is a gallery in {to} already")
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    _copy(store.file, to / _UNFINISHED)
    (to / _UNFINISHED).replace(to / FILE)
    sync_folder(to)


def restore(source: Path, to: Path) -> None:
    """Put the backup in the folder `source` in the place of the gallery in `to`, if there is one.

    Raises `GalleryLocked` while any process has `to` open, `GalleryMissing` and `GalleryCorrupt`
    for a backup that is none; until it has been copied and checked, `to` stays as it is.
    """
    if not (source / FILE).is_file():
        raise GalleryMissing(f"there is no backup in {source}")
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ProcessLock(to / LOCK_FILE) as lock:
        lock.own()
        _copy(source / FILE, to / _UNFINISHED)
        _prepare(to / _UNFINISHED, to / FILE)
        forget(to)
        # A left-over log must not be replayed into the new file.
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                (to / (FILE + suffix)).unlink()
        (to / _UNFINISHED).replace(to / FILE)
        sync_folder(to)
        keep_reserve(to)


def _copy(source: Path, to: Path) -> None:
    """Page by page in short steps, so that erasures are not held up; where other writers make it
    begin again and again, in one."""
    _remove_database(to)
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
            try:
                reader.backup(copy, pages=_PAGES_AT_ONCE, progress=watch, sleep=0.001)
            except _NeverDone:
                reader.backup(copy)
            # One file without a log beside it, so that it can be read from a read-only place.
            copy.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.DatabaseError as error:
            raise GalleryCorrupt(f"the gallery in {source.parent} cannot be copied") from error
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
        with store.writing() as connection:
            change = next_generation(connection)
            erased = 0
            for seq, tracklet_id in connection.execute(
                "SELECT seq, tracklet_id FROM tracklets"
            ).fetchall():
                if store.hashes.tracklet(tracklet_id) in since.tombstones:
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
        with closing(Store(present)) as store, store.reading() as connection:
            if store.hashes != copy.hashes:
                return _Since()
            revoked = "SELECT revoked_at, key_id FROM keys WHERE revoked_at IS NOT NULL"
            return _Since(
                dict(connection.execute("SELECT subject_hash, erased_at FROM tombstones")),
                tuple(connection.execute(revoked)),
                tuple(connection.execute("SELECT * FROM audit WHERE entry > ?", (last,))),
            )
    except (GalleryFailure, sqlite3.DatabaseError):
        # Restoring is what one does with a gallery that cannot be read.
        return _Since()


def _remove_database(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            file.with_name(file.name + suffix).unlink()
