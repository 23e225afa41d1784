"""iLIDS-VID (Wang et al. 2014): two cameras, 300 people, ten published splits in halves.

i-LIDS-VID/sequences/cam1/person001/*.png  cam2/…
train-test people splits/train_test_splits_ilidsvid.mat, `ls_set` 10 x 300, 1-based into the
sorted list of people: the first half trains, the second tests (camera 1 queries camera 2)
"""

from pathlib import Path

from model.datasets.files import FrameFiles, folders, non_empty, pictures, require
from model.datasets.matlab import read_integers
from model.datasets.tracklets import Dataset, Protocol, TrackletSource
from model.errors import InvalidParameter

LAYOUT = "iLIDS-VID"
SPLITS = Path("train-test people splits", "train_test_splits_ilidsvid.mat")


def read_ilids(root: Path, split: int | None = None) -> Dataset:
    """One of the splits 1..10 with its training half, or all ten to test on (split None).

    The splits overlap, so a model trained on one must not be tested on another. Raises
    `InvalidParameter` where a file is missing or there is no such split.
    """
    sequences = require(LAYOUT, root / "i-LIDS-VID" / "sequences")
    pairs = [_people(require(LAYOUT, sequences / f"cam{camera}"), camera) for camera in (1, 2)]
    orders = read_integers(LAYOUT, root / SPLITS, "ls_set") - 1
    names = sorted(pairs[0].keys() & pairs[1].keys())
    if orders.min() < 0 or orders.max() >= len(names):
        raise InvalidParameter(f"{LAYOUT}: {root / SPLITS} does not fit {len(names)} people")
    if split is not None and not 1 <= split <= len(orders):
        raise InvalidParameter(f"{LAYOUT} has splits 1 to {len(orders)}")
    numbers = range(1, len(orders) + 1) if split is None else [split]
    halves = [[names[i] for i in orders[n - 1]] for n in numbers]
    middle = orders.shape[1] // 2
    trained = halves[0][:middle] if split is not None else []
    return Dataset(
        name="ilids",
        train=tuple(pair[name] for name in trained for pair in pairs),
        protocols=tuple(
            Protocol(
                f"{LAYOUT} split {n}",
                query=tuple(pairs[0][name] for name in half[middle:]),
                gallery=tuple(pairs[1][name] for name in half[middle:]),
            )
            for n, half in zip(numbers, halves, strict=True)
        ),
    )


def _people(folder: Path, camera: int) -> dict[str, TrackletSource]:
    people = folders(folder)
    return {
        person.name: TrackletSource(
            identity=int(person.name.removeprefix("person")),
            camera=camera,
            frames=FrameFiles(non_empty(LAYOUT, person, pictures(person))),
        )
        for person in people
    }
