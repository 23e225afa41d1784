"""PRID2011 (Hirzer et al. 2011): prid_2011/multi_shot/cam_{a,b}/person_####/*.png.

The usual test takes the people whom both cameras saw for at least 27 frames (178 of them), and
splits them in halves at random, ten times; camera a queries camera b. The published experiments
drew their own splits; these are drawn from fixed seeds.
"""

from pathlib import Path

import numpy as np

from model.datasets.files import FrameFiles, folders, pictures, require
from model.datasets.tracklets import Dataset, Protocol, TrackletSource
from model.errors import InvalidParameter

LAYOUT = "PRID2011"
MIN_FRAMES = 27
SHARED_PEOPLE = 200
"""People up to this number appear in both cameras; beyond, equal numbers are other people."""
SPLITS = 10


def read_prid(root: Path, split: int | None = None) -> Dataset:
    """One of the splits 1..10 with its training half, or all ten to test on (split None).

    Raises `InvalidParameter` where a folder is missing or there is no such split.
    """
    if split is not None and not 1 <= split <= SPLITS:
        raise InvalidParameter(f"{LAYOUT} has splits 1 to {SPLITS}")
    shots = require(LAYOUT, root / "prid_2011" / "multi_shot")
    a, b = (_people(require(LAYOUT, shots / f"cam_{c}"), i) for i, c in enumerate("ab"))
    names = sorted(a.keys() & b.keys())
    if len(names) < 2:
        raise InvalidParameter(f"{LAYOUT}: no two people with {MIN_FRAMES} frames in {shots}")
    middle = len(names) // 2
    numbers = range(1, SPLITS + 1) if split is None else [split]
    orders = {
        n: np.random.Generator(np.random.PCG64(n)).permutation(names).tolist() for n in numbers
    }
    trained: list[int] = orders[split][:middle] if split is not None else []
    return Dataset(
        name="prid",
        train=tuple(people[name] for name in trained for people in (a, b)),
        protocols=tuple(
            Protocol(
                f"{LAYOUT} split {n}",
                query=tuple(a[name] for name in order[middle:]),
                gallery=tuple(b[name] for name in order[middle:]),
            )
            for n, order in orders.items()
        ),
    )


def _shuffled(names: list[int], seed: int) -> list[int]:
    order: list[int] = np.random.Generator(np.random.PCG64(seed)).permutation(names).tolist()
    return order


def _people(folder: Path, camera: int) -> dict[int, TrackletSource]:
    people: dict[int, TrackletSource] = {}
    for person in folders(folder):
        number = int(person.name.removeprefix("person_"))
        frames = tuple(pictures(person))
        if number <= SHARED_PEOPLE and len(frames) >= MIN_FRAMES:
            people[number] = TrackletSource(number, camera, FrameFiles(frames))
    return people
