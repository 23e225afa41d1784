"""DukeMTMC-VideoReID (Wu et al. 2018): {train,query,gallery}/<identity>/<tracklet>/<frame>.

Frames are named 0001_C6_F0099_X30823.jpg or 0001C6F0099X30823.jpg. The authors of DukeMTMC have
withdrawn it: there is nothing here to download it, and this reader is for those who hold it.
"""

import re
from pathlib import Path

from model.datasets.files import FrameFiles, folders, non_empty, pictures, require
from model.datasets.tracklets import Dataset, Protocol, TrackletSource
from model.errors import InvalidParameter

_FRAME = re.compile(r"\d+_?C(?P<camera>\d+)_?F(?P<frame>\d+)_?X\d+")


def read_duke(root: Path) -> Dataset:
    """Read folders below `root`. Raises `InvalidParameter` where one is missing or a name odd."""
    train, query, gallery = (_half(root / half) for half in ("train", "query", "gallery"))
    return Dataset("duke", train, (Protocol("DukeMTMC-VideoReID", query, gallery),))


def _half(folder: Path) -> tuple[TrackletSource, ...]:
    people = folders(require("DukeMTMC-VideoReID", folder))
    return tuple(_tracklet(int(p.name), path) for p in people for path in folders(p))


def _tracklet(identity: int, folder: Path) -> TrackletSource:
    frames = non_empty("DukeMTMC-VideoReID", folder, pictures(folder))
    named = sorted((_fields(path), path) for path in frames)
    return TrackletSource(identity, named[0][0][1], FrameFiles(tuple(path for _, path in named)))


def _fields(path: Path) -> tuple[int, int]:
    """Frame number and camera of a file's name."""
    match = _FRAME.match(path.stem)
    if match is None:
        raise InvalidParameter(f"DukeMTMC-VideoReID: {path} is not named <id>_C<n>_F<n>_X<n>")
    return int(match["frame"]), int(match["camera"])
