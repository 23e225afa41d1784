"""Who may be in a gallery at once: processes by flock, threads by a shared lock."""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model.errors import GalleryLocked

LOCK_FILE = "lock"


class ProcessLock:
    """A lock file that any number of processes share, or one holds alone.

    The kernel frees it when the process dies, whichever way; the file itself means nothing.
    """

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def share(self) -> None:
        """Raises `GalleryLocked` while a process holds the lock alone."""
        self._take(fcntl.LOCK_SH)

    def own(self) -> None:
        """Hold the lock alone. Raises `GalleryLocked` while anyone else has the gallery open."""
        self._take(fcntl.LOCK_EX)

    def _take(self, mode: int) -> None:
        try:
            fcntl.flock(self._descriptor, mode | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise GalleryLocked("another process has this gallery open") from error

    def close(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> "ProcessLock":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SharedLock:
    """Many readers or one writer; a waiting writer goes before new readers."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._readers = self._waiting = 0
        self._writing = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._free:
            self._free.wait_for(lambda: not (self._writing or self._waiting))
            self._readers += 1
        try:
            yield
        finally:
            with self._free:
                self._readers -= 1
                self._free.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self._free:
            self._waiting += 1
            self._free.wait_for(lambda: not (self._writing or self._readers))
            self._waiting -= 1
            self._writing = True
        try:
            yield
        finally:
            with self._free:
                self._writing = False
                self._free.notify_all()
