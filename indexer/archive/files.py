"""The only way into an archive: regular files under its root, never through a link.

An archive comes from a recorder, a network share or a stranger. A symlink would lead out of it, a
FIFO would hang the reader, a name with a newline would forge log lines.
"""

import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

from indexer.archive.sources import Archive, Refusal
from model.errors import InvalidParameter

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
VIDEOS = frozenset({".mp4", ".mkv", ".webm", ".avi", ".mov"})

_DIGITS = re.compile(r"(\d+)")


class Unreadable(Exception):
    """A file of the archive that cannot or must not be read; the text says why."""


def open_archive(folder: Path, name: str | None) -> Archive:
    """Raises `InvalidParameter` where there is no such folder."""
    root = folder.expanduser().resolve()
    if not root.is_dir():
        raise InvalidParameter(f"ARCHIVE is no folder: {folder}")
    return Archive(root, name or root.name or "archive")


def natural_order(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Sort key under which `2.jpg` comes before `10.jpg`, whatever the padding."""
    parts = _DIGITS.split(name)
    numbered = ((bool(i % 2), int(part) if i % 2 else 0, part) for i, part in enumerate(parts))
    return tuple(numbered)


def folders(archive: Archive, parent: Path, refuse: Callable[[Refusal], None]) -> Iterator[Path]:
    """The real folders in `parent`, in order; hidden ones are passed over."""
    for entry in _entries(archive, parent, refuse):
        if entry.is_dir(follow_symlinks=False):
            yield parent / entry.name


def files(
    archive: Archive,
    parent: Path,
    suffixes: frozenset[str],
    refuse: Callable[[Refusal], None],
) -> Iterator[Path]:
    """The regular files in `parent` with one of these suffixes, in order.

    A FIFO, socket or device that bears one of the suffixes is refused by name.
    """
    for entry in _entries(archive, parent, refuse):
        path = parent / entry.name
        if path.suffix.lower() not in suffixes or entry.is_dir(follow_symlinks=False):
            continue
        if entry.is_file(follow_symlinks=False):
            yield path
        else:
            refuse(Refusal(archive.place(path), "not a regular file"))


def read_file(path: Path, limit: int) -> bytes:
    """A regular file's bytes. Raises `Unreadable`, also where it is larger than `limit` bytes."""
    try:
        # Without O_NONBLOCK, opening a FIFO that took the file's place would wait for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Unreadable(error.strerror or "cannot be opened") from error
    with open(handle, "rb") as file:  # noqa: PTH123 - a descriptor, which Path cannot open
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("not a regular file")
        if status.st_size > limit:
            raise Unreadable(f"larger than {limit} bytes")
        try:
            return file.read(limit)
        except OSError as error:
            raise Unreadable(error.strerror or "cannot be read") from error


def read_text(path: Path, limit: int) -> str:
    """A regular UTF-8 file's text. Raises `Unreadable`."""
    try:
        return read_file(path, limit).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("not UTF-8 text") from error


def stays_inside(archive: Archive, folder: Path) -> bool:
    """Whether a folder lies below the root, with no link on the way to it."""
    return folder.resolve() == folder and folder.is_relative_to(archive.root)


def is_regular(path: Path) -> bool:
    """Whether a regular file lies there, not behind a link."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def printable(text: str) -> str:
    """A name that can be shown and logged: control characters and surrogates escaped."""
    return "".join(c if _shows(c) else c.encode("unicode_escape").decode() for c in text)


def _shows(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}


def _entries(
    archive: Archive, parent: Path, refuse: Callable[[Refusal], None]
) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(parent) as listing:
            entries = sorted(listing, key=lambda entry: natural_order(entry.name))
    except OSError as error:
        refuse(Refusal(archive.place(parent), error.strerror or "cannot be listed"))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        place = printable(archive.place(parent / entry.name))
        if entry.is_symlink():
            refuse(Refusal(place, "a symbolic link, which could lead out of the archive"))
        elif printable(entry.name) != entry.name:
            refuse(Refusal(place, "its name holds a character that cannot be shown"))
        else:
            yield entry
