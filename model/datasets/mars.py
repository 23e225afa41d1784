"""MARS (Zheng et al. 2016): tracklets are rows [start, end, identity, camera] over name lists.

    bbox_train/0001/0001C1T0001F001.jpg …    bbox_test/0002/… , 00-1/… (junk), 0000/… (distractors)
    info/train_name.txt  info/test_name.txt
    info/tracks_train_info.mat  info/tracks_test_info.mat  info/query_IDX.mat

Two test protocols are in use, whose rank-1 differs by 1 to 2.5 points, so both are here: the
authors' own keeps the queries in the gallery; others remove them, which leaves 140 queries
without a match.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.datasets.files import FrameFiles, require
from model.datasets.matlab import read_integers
from model.datasets.tracklets import DISTRACTOR, Dataset, Protocol, TrackletSource
from model.errors import InvalidParameter

JUNK_IDENTITY = -1
DISTRACTOR_IDENTITY = 0


def read_mars(root: Path) -> Dataset:
    """Read annotations below `root`. Raises `InvalidParameter` where a file is missing or odd."""
    info = root / "info"
    train = _tracklets(
        require("MARS", root / "bbox_train"),
        info / "train_name.txt",
        read_integers("MARS", info / "tracks_train_info.mat", "track_train_info"),
    )
    test = _tracklets(
        require("MARS", root / "bbox_test"),
        info / "test_name.txt",
        read_integers("MARS", info / "tracks_test_info.mat", "track_test_info"),
    )
    chosen = read_integers("MARS", info / "query_IDX.mat", "query_IDX").ravel() - 1
    if len(chosen) and not 0 <= chosen.min() <= chosen.max() < len(test):
        raise InvalidParameter(f"MARS: {info / 'query_IDX.mat'} points outside the test tracklets")
    kept = [i for i, tracklet in enumerate(test) if tracklet.identity != JUNK_IDENTITY]
    query = tuple(_named(test[i]) for i in chosen)
    queries = set(chosen.tolist())
    return Dataset(
        name="mars",
        train=tuple(t for t in train if t.identity != JUNK_IDENTITY),
        protocols=(
            Protocol("MARS official", query, tuple(_named(test[i]) for i in kept)),
            Protocol(
                "MARS queries removed",
                query,
                tuple(_named(test[i]) for i in kept if i not in queries),
            ),
        ),
    )


def _tracklets(folder: Path, names: Path, rows: NDArray[np.int64]) -> list[TrackletSource]:
    lines = require("MARS", names).read_text(encoding="utf-8").split()
    if rows.shape[1] != 4:
        raise InvalidParameter(f"MARS: rows of {rows.shape[1]} numbers where 4 are expected")
    # Rows are 1-based and inclusive.
    if len(rows) and not 1 <= rows[:, 0].min() <= rows[:, 1].max() <= len(lines):
        raise InvalidParameter(f"MARS: {names} has {len(lines)} names, fewer than its tracks need")
    return [
        TrackletSource(
            identity=int(identity),
            camera=int(camera),
            frames=FrameFiles(tuple(folder / n[:4] / n for n in lines[start - 1 : end])),
        )
        for start, end, identity, camera in rows
    ]


def _named(tracklet: TrackletSource) -> TrackletSource:
    if tracklet.identity != DISTRACTOR_IDENTITY:
        return tracklet
    return TrackletSource(DISTRACTOR, tracklet.camera, tracklet.frames)
