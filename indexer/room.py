"""Room on the disk: what is kept back, so that erasing works where nothing else can be written.

Even a deletion has to be written down first, in SQLite's log, and the log then has to be brought
into the database. So a reserve lies beside the database and is given up for that, and the log is
kept small enough for the reserve to take it in. Where files have a greatest size instead (a limit
of the process), the database stops growing a little below it.
"""

import errno
import os
import resource
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from model.errors import StorageFull

T = TypeVar("T")

RESERVE: Final = "reserve"
PAGE_BYTES: Final = 4096

_MOST_RESERVE: Final = 16 * 2**20
_LEAST_RESERVE: Final = 128 * 2**10
_SHARE_OF_DISK: Final = 4
_RESERVES_PER_LOG: Final = 4
_PAGES_FOR_ERASING: Final = 64
_UNLIMITED: Final = 2**32 - 2
"""SQLite's own limit on pages."""

_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_full(error: OSError) -> bool:
    """Whether a failed write says that there is no room."""
    return error.errno in _NO_ROOM


def keep_reserve(folder: Path) -> None:
    """Set room aside, as much as is wanted and as is left."""
    file = folder / RESERVE
    if file.exists():
        return
    size = min(_wanted(folder), shutil.disk_usage(folder).free)
    if size < _LEAST_RESERVE:
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError:  # somebody else was quicker: better none than half of it
        file.unlink()
    finally:
        os.close(descriptor)


def give_up_reserve(folder: Path) -> None:
    (folder / RESERVE).unlink(missing_ok=True)


def with_reserve(folder: Path, work: Callable[[], T]) -> T:
    """Do what even a reader must: opening a database takes some pages of shared memory."""
    try:
        return work()
    except StorageFull:
        give_up_reserve(folder)
        return work()


def log_pages(folder: Path) -> int:
    """How many pages the log may gather before they are brought into the database."""
    return max(1, _wanted(folder) // _RESERVES_PER_LOG // PAGE_BYTES)


def most_pages(*, for_erasing: bool) -> int:
    """How many pages the database may have; erasing may use a few more than all else."""
    limit = _file_limit()
    if limit is None:
        return _UNLIMITED
    return max(1, limit // PAGE_BYTES - (0 if for_erasing else _PAGES_FOR_ERASING))


def bytes_below(folder: Path) -> int:
    """Of all files but the reserve, which is not data. Files and folders may vanish meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for file in (Path(parent, name) for name in names):
            with suppress(FileNotFoundError):
                total += 0 if file == folder / RESERVE else file.stat().st_size
    return total


def _wanted(folder: Path) -> int:
    """A share of the whole disk: of what is free, it would shrink with every erasure."""
    room = shutil.disk_usage(folder).total
    limit = _file_limit()
    return min(_MOST_RESERVE, (room if limit is None else min(room, limit)) // _SHARE_OF_DISK)


def _file_limit() -> int | None:
    """The greatest size of a file of this process, in bytes."""
    soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return None if soft == resource.RLIM_INFINITY else soft
