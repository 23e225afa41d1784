"""The layouts by the name that commands use."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from model.datasets.duke import read_duke
from model.datasets.folders import read_folders
from model.datasets.ilids import read_ilids
from model.datasets.lsvid import read_lsvid
from model.datasets.mars import read_mars
from model.datasets.prid import read_prid
from model.datasets.synthetic import read_synthetic
from model.datasets.tracklets import Dataset
from model.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Callable

Layout = Literal["synthetic", "mars", "lsvid", "duke", "ilids", "prid", "folders"]
LAYOUTS: tuple[str, ...] = get_args(Layout)


def open_dataset(name: str, root: Path, *, split: int | None = None) -> Dataset:
    """Read a data set's annotations.

    `split` chooses one of the ten of iLIDS-VID and PRID2011, and with it a training half. Raises
    `InvalidParameter` for an unknown name, a split where there are none, and missing files.
    """
    readers: dict[str, Callable[[Path], Dataset]] = {
        "synthetic": read_synthetic,
        "mars": read_mars,
        "lsvid": read_lsvid,
        "duke": read_duke,
        "folders": read_folders,
    }
    with_splits: dict[str, Callable[[Path, int | None], Dataset]] = {
        "ilids": read_ilids,
        "prid": read_prid,
    }
    if name in with_splits:
        return with_splits[name](root, split)
    if name not in readers:
        raise InvalidParameter(f"no data set {name!r}; there are {', '.join(LAYOUTS)}")
    if split is not None:
        raise InvalidParameter(f"{name} has no splits to choose from")
    return readers[name](root)
