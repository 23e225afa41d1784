"""The SQLite file that is the truth: connections, transactions, durability, bytes really gone.

Committed means synced (WAL, `synchronous=FULL`); deleted means overwritten (`secure_delete`), once
the write-ahead log has been emptied into the file. Writers take turns per transaction, across
processes too. Nothing here knows what a tracklet is; see `indexer.rows`.
"""

import os
import queue
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Literal

from indexer import schema, seals
from indexer.hashing import KeyedHash
from indexer.room import is_full, log_pages, most_pages
from model.errors import (
    GalleryCorrupt,
    GalleryFailure,
    GalleryLocked,
    GalleryMissing,
    StorageFailed,
    StorageFull,
)

FILE = "gallery.sqlite3"

_BUSY_SECONDS = 10.0
_CHECKPOINT_POLL_SECONDS = 0.02
_IDLE_READERS = 8

# Quotas and file size limits reach SQLite as a failed write, not as a full disk.
_FULL = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_FAILED = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}


class Store:
    """One process's way into the file. Safe from any thread."""

    def __init__(self, file: Path) -> None:
        """Open what is there, bringing older tables up to date.

        Raises `GalleryMissing` and `GalleryCorrupt`.
        """
        if not file.is_file():
            raise GalleryMissing(f"there is no gallery in {file.parent}")
        self.file = file
        self._turn = threading.RLock()
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue(_IDLE_READERS)
        with ExitStack() as undo, translated():
            self._writer = undo.enter_context(closing(connect(file, "FULL")))
            # Audit entries of readers need no sync of their own: a kill cannot lose them.
            self._logger = undo.enter_context(closing(connect(file, "NORMAL")))
            self.model_id, self.width, hash_key = _describe(self._writer)
            undo.pop_all()
        self.hashes = KeyedHash(hash_key)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A snapshot for as long as the block runs; keep it short, it holds up erasures."""
        connection = self._borrow()
        try:
            with translated(), _transaction(connection, "DEFERRED"):
                yield connection
        finally:
            self._give_back(connection)

    @contextmanager
    def writing(self, *, for_erasing: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction that is durable when the block has ended, or never happened.

        Erasures may use the last pages of a database that may not grow any more. Raises
        `StorageFull`, `StorageFailed`, and `GalleryLocked` where other writers took longer than
        10 s; a failure of the block's own `OSError` counts as one of the storage.
        """
        with self._turn, translated():
            _limit_pages(self._writer, for_erasing=for_erasing)
            with _transaction(self._writer, "IMMEDIATE"):
                yield self._writer

    @contextmanager
    def logging(self) -> Iterator[sqlite3.Connection]:
        """Like `writing`, but after a power cut (not after a kill) the latest may be missing."""
        with self._turn, translated(), _transaction(self._logger, "IMMEDIATE"):
            yield self._logger

    def empty_log(self, deadline: float) -> bool:
        """Move the write-ahead log into the file and cut it to nothing.

        False where a reader stood in the way until `deadline` seconds had passed: then the log may
        still hold what was deleted. A busy checkpoint raises nothing, its row tells. Raises as
        `writing`.
        """
        give_up = time.monotonic() + deadline
        while True:
            with self._turn, translated():
                if self._checkpoint():
                    return True
            if time.monotonic() >= give_up:
                return False
            time.sleep(_CHECKPOINT_POLL_SECONDS)

    def _checkpoint(self) -> bool:
        # Without patience: a waiting checkpoint would keep every other writer out.
        self._writer.execute("PRAGMA busy_timeout = 0")
        try:
            row = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._writer.execute(f"PRAGMA busy_timeout = {int(_BUSY_SECONDS * 1000)}")
        return bool(row[0] == 0)

    def generation(self) -> int:
        """The number of the last change that was committed."""
        with self.reading() as connection:
            return generation(connection)

    def close(self) -> None:
        with self._turn:
            while not self._idle.empty():
                self._idle.get_nowait().close()
            self._logger.close()
            self._writer.close()

    def _borrow(self) -> sqlite3.Connection:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return connect(self.file, "FULL")

    def _give_back(self, connection: sqlite3.Connection) -> None:
        try:
            self._idle.put_nowait(connection)
        except queue.Full:
            connection.close()


def make_private(folder: Path) -> None:
    """Make the folder for its owner alone; one that is there and empty becomes so."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        with suppress(PermissionError):  # a mounted volume may belong to somebody else
            folder.chmod(0o700)


def create_store(file: Path, model_id: str, width: int) -> None:
    """Make the file where there is none; whoever comes second finds the first one's."""
    # The file is made with its rights before SQLite opens it; -wal and -shm inherit them.
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    with translated():
        connection = connect(file, "FULL")
        try:
            with _transaction(connection, "IMMEDIATE"):
                if schema.version(connection) == 0:
                    schema.create(connection, model_id, width)
        finally:
            connection.close()


def connect(file: Path, synchronous: Literal["FULL", "NORMAL"]) -> sqlite3.Connection:
    """A connection without transactions of its own making, which any thread may use in turn."""
    connection = sqlite3.connect(
        file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    with ExitStack() as undo:
        undo.callback(connection.close)
        seals.install(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        # Deleted bytes must not reach temporary files.
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA wal_autocheckpoint = {log_pages(file.parent)}")
        _limit_pages(connection, for_erasing=False)
        undo.pop_all()
    return connection


def _limit_pages(connection: sqlite3.Connection, *, for_erasing: bool) -> None:
    connection.execute(f"PRAGMA max_page_count = {most_pages(for_erasing=for_erasing)}")


def _describe(connection: sqlite3.Connection) -> tuple[str, int, bytes]:
    """Model, width and key of a gallery, its tables brought up to date first."""
    found = schema.version(connection)
    if found == 0:
        raise GalleryMissing("the gallery in that folder was never finished")
    if found != schema.VERSION:
        with _transaction(connection, "IMMEDIATE"):
            schema.migrate(connection)
    row = connection.execute("SELECT model_id, width, hash_key FROM gallery").fetchone()
    if row is None:
        raise GalleryCorrupt("the gallery has lost the row that describes it")
    return str(row[0]), int(row[1]), bytes(row[2])


def generation(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT generation FROM gallery").fetchone()
    return int(row[0])


def next_generation(connection: sqlite3.Connection) -> int:
    """Count one more change, inside a writing transaction."""
    row = connection.execute(
        "UPDATE gallery SET generation = generation + 1 RETURNING generation"
    ).fetchone()
    seals.renew(connection, "gallery", "one = 1")
    return int(row[0])


@contextmanager
def _transaction(
    connection: sqlite3.Connection, mode: Literal["DEFERRED", "IMMEDIATE"]
) -> Iterator[None]:
    connection.execute(f"BEGIN {mode}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk makes SQLite roll back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def translated() -> Iterator[None]:
    """Failures of SQLite and of the file system as Sightline's.

    Raises `StorageFull`, `StorageFailed`, `GalleryCorrupt` and `GalleryLocked`.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        failure = _translate(error)
        if failure is None:
            raise
        raise failure from error
    except OSError as error:
        if is_full(error):
            raise StorageFull("there is no room left to write to the gallery") from error
        raise StorageFailed(f"the gallery's disk fails: {error.strerror}") from error


def _translate(error: sqlite3.DatabaseError) -> GalleryFailure | None:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE)
    if code in _FULL:
        return StorageFull("there is no room left to write to the gallery")
    if code & 0xFF in _DAMAGED:
        return GalleryCorrupt(f"the gallery's database is damaged: {error}")
    if code & 0xFF in _BUSY:
        return GalleryLocked("other writers kept the gallery busy for too long")
    if code & 0xFF in _FAILED:
        return StorageFailed(f"the gallery's files cannot be used: {error}")
    return None
