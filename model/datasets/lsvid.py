"""LS-VID (Li et al. 2019): lists of path prefixes, each with an identity.

    list_sequence/list_seq_train.txt  list_sequence/list_seq_test.txt    "<path prefix> <identity>"
    test/data/info_test.mat (or info/test/data/info_test.mat in repacks), MATLAB v7.3, `query`

A tracklet's frames are the sorted files that begin with its prefix; the third of the four fields
of a file's name is the camera.
"""

from pathlib import Path

from model.datasets.files import FrameFiles, non_empty, require
from model.datasets.matlab import read_integers
from model.datasets.tracklets import Dataset, Protocol, TrackletSource
from model.errors import InvalidParameter


def read_lsvid(root: Path) -> Dataset:
    """Read lists below `root`. Raises `InvalidParameter` where a file is missing or odd."""
    train = _sequences(root, root / "list_sequence" / "list_seq_train.txt")
    test = _sequences(root, root / "list_sequence" / "list_seq_test.txt")
    information = Path("test", "data", "info_test.mat")
    repacked = root / "info" / information
    path = repacked if repacked.exists() else root / information
    chosen = set((read_integers("LS-VID", path, "query").ravel() - 1).tolist())
    if chosen and not 0 <= min(chosen) <= max(chosen) < len(test):
        raise InvalidParameter(f"LS-VID: {path} points outside the test sequences")
    query = tuple(test[i] for i in sorted(chosen))
    gallery = tuple(tracklet for i, tracklet in enumerate(test) if i not in chosen)
    return Dataset("lsvid", train, (Protocol("LS-VID", query, gallery),))


def _sequences(root: Path, listing: Path) -> tuple[TrackletSource, ...]:
    lines = require("LS-VID", listing).read_text(encoding="utf-8").splitlines()
    return tuple(_sequence(root, *line.rsplit(maxsplit=1)) for line in lines if line.strip())


def _sequence(root: Path, prefix: str, identity: str) -> TrackletSource:
    stem = root / prefix.lstrip("./")
    folder = require("LS-VID", stem.parent)
    frames = non_empty("LS-VID", stem, sorted(folder.glob(stem.name + "*")))
    fields = frames[0].name.split("_")
    if len(fields) != 4:
        raise InvalidParameter(f"LS-VID: {frames[0]} is not named …_…_<camera>_…")
    return TrackletSource(int(identity), int(fields[2]), FrameFiles(frames))
