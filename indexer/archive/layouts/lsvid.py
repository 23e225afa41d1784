"""LS-VID: `list_sequence/list_seq_test.txt` names each tracklet by the prefix of its frames.

A line is `<path prefix> <identity>`; the frames are the sorted files whose path begins with the
prefix. The frames' names have four fields between underscores, the third being the camera. Some
copies of the data set put the lists under `info/`.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from indexer.archive.files import PICTURES, Unreadable, files, is_regular, read_text, stays_inside
from indexer.archive.sources import Archive, Label, Pictures, Refusal, Source
from model.errors import InvalidParameter

MAX_LIST_BYTES = 1 << 28

_LIST = PurePosixPath("list_sequence/list_seq_test.txt")


def is_here(archive: Archive) -> bool:
    return _list(archive) is not None


def scan(archive: Archive) -> Iterator[Source]:
    """One source per line of the test list. Raises `InvalidParameter` where it cannot be read."""
    path = _list(archive)
    if path is None:
        raise InvalidParameter(f"no {_LIST} in the archive")
    try:
        lines = read_text(path, MAX_LIST_BYTES).splitlines()
    except Unreadable as error:
        raise InvalidParameter(f"{path.name}: {error}") from error
    return _sources(archive, lines, path.name)


def _list(archive: Archive) -> Path | None:
    candidates = (archive.root / _LIST, archive.root / "info" / _LIST)
    return next((path for path in candidates if is_regular(path)), None)


def _sources(archive: Archive, lines: list[str], name: str) -> Iterator[Source]:
    refused: list[Source] = []

    @cache
    def listing(folder: Path) -> tuple[Path, ...]:
        return tuple(files(archive, folder, PICTURES, refused.append))

    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        prefix, _, identity = line.strip().rpartition(" ")
        pure = PurePosixPath(prefix)
        if not prefix or not identity.isdecimal() or pure.is_absolute() or ".." in pure.parts:
            yield Refusal(f"{name}:{number}", "not `<path prefix below the archive> <identity>`")
            continue
        folder = archive.root / pure.parent
        if not stays_inside(archive, folder):
            yield Refusal(f"{name}:{number}", "its folder leads out of the archive")
            continue
        frames = tuple(path for path in listing(folder) if path.name.startswith(pure.name))
        yield _source(archive, str(pure), identity, frames)
    yield from refused


def _source(archive: Archive, prefix: str, identity: str, frames: tuple[Path, ...]) -> Source:
    tracklet_id = archive.tracklet_id(prefix)
    if not frames:
        return Refusal(prefix, "no picture begins with that prefix", tracklet_id)
    return Pictures(Label(tracklet_id, prefix, _camera(frames[0].name), identity.zfill(4)), frames)


def _camera(name: str) -> str | None:
    """`0000_c14_…`: the third of four fields, as `c14`, whichever way the number is written."""
    fields = name.split("_")
    digits = re.sub(r"\D", "", fields[2]) if len(fields) == 4 else ""
    return f"c{int(digits)}" if digits else None
