"""MARS: `bbox_test/<identity>/*.jpg` with `info/test_name.txt` and `tracks_test_info.mat`.

The test half is what a gallery is made of. Junk (identity -1) is left out; the distractors
(identity 0) are people without a name. Rows of the table are `[start, end, identity, camera]`,
1-based and inclusive, into the list of names.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.archive.files import Unreadable, is_regular, read_text
from indexer.archive.sources import Archive, Label, Pictures, Refusal, Source
from model.errors import InvalidParameter

MAX_LIST_BYTES = 1 << 28

_JUNK = -1
_DISTRACTOR = 0


def is_here(archive: Archive) -> bool:
    return (archive.root / "bbox_test").is_dir() and is_regular(_table(archive))


def scan(archive: Archive) -> Iterator[Source]:
    """One source per row of the test table. Raises `InvalidParameter` where it cannot be read."""
    if not is_regular(_table(archive)):
        raise InvalidParameter("the layout mars wants bbox_test with info, or LS-VID's lists")
    try:
        names = read_text(archive.root / "info" / "test_name.txt", MAX_LIST_BYTES).split()
    except Unreadable as error:
        raise InvalidParameter(f"info/test_name.txt: {error}") from error
    rows = _rows(_table(archive))
    return (
        _source(archive, names, *(int(value) for value in row)) for row in rows if row[2] != _JUNK
    )


def _table(archive: Archive) -> Path:
    return archive.root / "info" / "tracks_test_info.mat"


def _rows(path: Path) -> NDArray[np.int64]:
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise InvalidParameter(
            "MARS's tables are MATLAB files, which scipy reads: install the extra 'train'"
        ) from error
    try:
        table: Any = loadmat(path)["track_test_info"]
    # scipy raises whatever a damaged file makes it stumble over
    except Exception as error:
        raise InvalidParameter(f"{path.name} holds no readable track_test_info") from error
    if table.ndim != 2 or table.shape[1] != 4:
        raise InvalidParameter(f"{path.name}: rows must be [start, end, identity, camera]")
    rows: NDArray[np.int64] = table.astype(np.int64)
    return rows


def _source(
    archive: Archive, names: list[str], start: int, end: int, identity: int, camera: int
) -> Source:
    place = f"tracks_test_info:{start}-{end}"
    if not 1 <= start <= end <= len(names):
        return Refusal(place, "its rows are not in test_name.txt")
    wanted = names[start - 1 : end]
    if any("/" in name or name.startswith(".") for name in wanted):
        return Refusal(place, "test_name.txt holds a path instead of a file's name")
    place = f"bbox_test/{wanted[0][:4]}/{Path(wanted[0]).stem}"
    label = Label(
        archive.tracklet_id(place),
        place,
        camera=f"c{camera}",
        identity=None if identity == _DISTRACTOR else f"{identity:04d}",
    )
    folder = archive.root / "bbox_test"
    return Pictures(label, tuple(folder / name[:4] / name for name in wanted))
