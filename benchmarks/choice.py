"""Other ways to normalise than the one that is done, measured on what chooses between them."""

from collections.abc import Mapping, Sequence
from typing import Final
from unittest.mock import patch

import numpy as np

from benchmarks.situations import (
    BAD,
    Floats,
    Halves,
    Known,
    Place,
    Score,
    as_the_gallery,
    known_tracklets,
    measure,
)
from indexer import normalisation
from indexer.camera_sums import Sums

WORST: Final = tuple(name for name in BAD if "people" in name or "person" in name)


def with_constants(
    *, shrinkage: float = normalisation.SHRINKAGE, least: float = normalisation.LEAST_WORTH
) -> Score:
    """The gallery's own with other constants."""

    def score(place: Place, known: Known) -> Halves:
        with (
            patch.object(normalisation, "SHRINKAGE", shrinkage),
            patch.object(normalisation, "LEAST_WORTH", least),
        ):
            return as_the_gallery(place, known)

    return score


def common_only(place: Place, known: Known) -> Halves:
    """What all cameras have in common is taken, nothing of a single one."""
    return with_constants(shrinkage=1e9)(place, known)


def by_count(place: Place, known: Known) -> Halves:
    """Tracklets count, not people: w = n / (n + 10)."""
    with patch.object(normalisation, "_worth", lambda counts, *_: counts):
        return with_constants(shrinkage=10)(place, known)


def with_deviation(place: Place, known: Known) -> Halves:
    """Each component is also divided by its deviation in the camera, shrunk likewise."""
    vectors: Floats = as_the_gallery(place, known).astype(np.float32)
    deviations = {
        camera: np.sqrt(Sums.of(rows).variance) for camera, rows in known.items() if len(rows) > 4
    }
    if not deviations:
        return place.vectors
    usual = np.mean(list(deviations.values()), axis=0)
    for camera, own in deviations.items():
        count = len(known[camera])
        share = count / (count + normalisation.SHRINKAGE)
        ratio = np.maximum(own, usual / 4) / np.maximum(usual, 1e-6)
        vectors[place.cameras == int(camera)] /= (ratio**share).astype(np.float32)
    unit: Halves = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    return unit


CHOICES: Final[Mapping[str, Score]] = {
    "**e / (e + 15), from e = 6** (done)": as_the_gallery,
    "e / (e + 5)": with_constants(shrinkage=5),
    "e / (e + 10)": with_constants(shrinkage=10),
    "e / (e + 30)": with_constants(shrinkage=30),
    "from e = 1": with_constants(least=1.0),
    "from e = 3": with_constants(least=3.0),
    "e / (e + 30), from e = 3": with_constants(shrinkage=30, least=3.0),
    "n / (n + 10): tracklets, not people": by_count,
    "only what all have in common": common_only,
    "mean and deviation": with_deviation,
}


def choose(places: Sequence[Place]) -> dict[str, dict[str, float]]:
    """Gains in mAP with 5 and 20 tracklets a camera, and the worst of the bad situations."""
    return {
        name: {
            "5": measure(places, known_tracklets(5), score).gain,
            "20": measure(places, known_tracklets(20), score).gain,
            "worst": min(measure(places, BAD[bad], score).gain for bad in WORST),
        }
        for name, score in CHOICES.items()
    }
