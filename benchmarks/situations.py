"""What a gallery may know of its cameras: from nothing to a thousand tracklets each, and badly.

Each situation takes the tracklets of one place and says what the statistics of each camera are made
of. People are then searched among all tracklets of the place, so that only what is taken from the
embeddings differs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer.camera_statistics import LEAST
from indexer.camera_sums import Sums
from indexer.normalisation import Normalisation

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
Ints = NDArray[np.int64]
Known = Mapping[str, Halves]
"""What the statistics of each camera are made of: [n, D]."""

COUNTS: Final = (0, 5, 10, 20, 50, 100, 1000)
_DRAWS: Final = 4
_STANDING: Final = 500
_DIFFERENCE: Final = 0.8
"""Of the differences between tracklets of one person, which also come from other cameras."""


@dataclass(frozen=True)
class Place:
    """The tracklets [n] of one place."""

    vectors: Halves
    people: Ints
    cameras: Ints

    @cached_property
    def names(self) -> list[str]:
        """Of the cameras."""
        return [str(camera) for camera in np.unique(self.cameras).tolist()]

    def of(self, camera: str) -> Halves:
        seen: Halves = self.vectors[self.cameras == int(camera)]
        return seen

    def part(self, cameras: Sequence[str]) -> "Place":
        """The same place with these cameras only."""
        kept = np.isin(self.cameras, [int(camera) for camera in cameras])
        return self.keep(kept)

    def keep(self, kept: NDArray[np.bool_]) -> "Place":
        return Place(self.vectors[kept], self.people[kept], self.cameras[kept])

    @cached_property
    def _differences(self) -> NDArray[np.float64]:
        """Between tracklets of one person, without what is their camera's: [m, D]."""
        wide = self.vectors.astype(np.float64)
        for camera in np.unique(self.cameras):
            wide[self.cameras == camera] -= wide[self.cameras == camera].mean(axis=0)
        order = np.argsort(self.people, kind="stable")
        wide, people = wide[order], self.people[order]
        same = people[1:] == people[:-1]
        return np.asarray((wide[1:] - wide[:-1])[same] / np.sqrt(2))

    def again(self, seen: Halves, count: int, rng: np.random.Generator) -> Halves:
        """More tracklets [count, D] of those people, as different as a person's tracklets are."""
        drawn = rng.integers(len(self._differences), size=count)
        more = seen[rng.integers(len(seen), size=count)].astype(np.float64)
        more += _DIFFERENCE * self._differences[drawn]
        made: Halves = (more / np.linalg.norm(more, axis=1, keepdims=True)).astype(np.float16)
        return made


Situation = Callable[[Place, np.random.Generator], tuple[Place, Known]]


def known_tracklets(count: int) -> Situation:
    """Every camera knows so many; where there are fewer, they come again."""

    def situation(place: Place, rng: np.random.Generator) -> tuple[Place, Known]:
        known = {}
        for camera in place.names:
            here = place.of(camera)
            more = count > len(here)
            known[camera] = here[rng.choice(len(here), count, replace=more)]
        return place, known

    return situation


def known_people(count: int, tracklets: int = 30) -> Situation:
    """Every camera knows many tracklets of few people."""

    def situation(place: Place, rng: np.random.Generator) -> tuple[Place, Known]:
        return place, {
            camera: place.again(rng.permutation(place.of(camera))[:count], tracklets, rng)
            for camera in place.names
        }

    return situation


def standing(cameras: int | None) -> Situation:
    """One person stands all day before one camera of so many (None: of all)."""

    def situation(place: Place, rng: np.random.Generator) -> tuple[Place, Known]:
        here = place.part(rng.permutation(place.names)[:cameras].tolist())
        known = {camera: here.of(camera) for camera in here.names}
        camera = here.names[0]
        stays = place.again(known[camera][:1], _STANDING, rng)
        return here, known | {camera: np.concatenate([known[camera], stays])}

    return situation


def two_cameras(people: int | None, tracklets: int | None = None) -> Situation:
    """Two cameras; the second has seen only so many people, and so many tracklets of them."""

    def situation(place: Place, rng: np.random.Generator) -> tuple[Place, Known]:
        first, second = rng.permutation(place.names)[:2].tolist()
        here = place.part([first, second])
        if people is None:
            return here, {camera: here.of(camera) for camera in here.names}
        in_second = here.cameras == int(second)
        # Those whom the first camera has seen as well: others cannot be found at all.
        seen_twice = np.isin(here.people, here.people[~in_second])
        order = np.lexsort((rng.random(len(here.people)), ~seen_twice, ~in_second))
        kept = ~in_second
        kept[order[:people]] = True
        here = here.keep(kept)
        few = here.of(second)
        return here, {
            first: here.of(first),
            second: few if tracklets is None else place.again(few, tracklets, rng),
        }

    return situation


CURVE: Final = {str(count): known_tracklets(count) for count in COUNTS}

BAD: Final[Mapping[str, Situation]] = {
    "every camera knows one person": known_people(1),
    "every camera knows two people": known_people(2),
    "every camera knows three people": known_people(3),
    "every camera knows five people": known_people(5),
    "every camera knows ten people": known_people(10),
    "three people, 500 tracklets in every camera": known_people(3, 500),
    "one person stands before one of six cameras": standing(None),
    "two cameras": two_cameras(None),
    "two cameras, one person stands before one": standing(2),
    "two cameras, one has 5 tracklets of one person": two_cameras(1, LEAST),
    "two cameras, one has 500 tracklets of one person": two_cameras(1, _STANDING),
    "two cameras, one has 5 tracklets of three people": two_cameras(3, LEAST),
    "two cameras, one has 500 tracklets of three people": two_cameras(3, _STANDING),
    "two cameras, one has 500 tracklets of five people": two_cameras(5, _STANDING),
}

Score = Callable[[Place, Known], Halves]
"""The place's vectors as they are compared."""


def as_the_gallery(place: Place, known: Known) -> Halves:
    """What a gallery whose statistics are of these tracklets compares."""
    sums = {camera: Sums.of(rows) for camera, rows in known.items() if len(rows) >= LEAST}
    made = Normalisation.of(sums, place.vectors.shape[1], 0)
    return made.stored(place.vectors, [str(camera) for camera in place.cameras.tolist()])


@dataclass(frozen=True)
class Found:
    """Mean average precision without and with normalisation, over the queries of all places."""

    raw: float
    gain: float
    gain_95: tuple[float, float]
    """Over people."""
    queries: int


def measure(places: Sequence[Place], situation: Situation, score: Score = as_the_gallery) -> Found:
    """Every tracklet searched among the others of its place, as the standard protocol does."""
    rng = np.random.Generator(np.random.PCG64(0))
    raw: list[NDArray[np.float64]] = []
    gains: list[NDArray[np.float64]] = []
    people: list[Ints] = []
    for number, place in _draws(places):
        here, known = situation(place, rng)
        before, valid = average_precision(here, here.vectors)
        after, _ = average_precision(here, score(here, known))
        raw.append(before[valid])
        gains.append((after - before)[valid])
        people.append(here.people[valid] + 1_000_000 * number)
    gain = np.concatenate(gains)
    return Found(
        raw=float(np.concatenate(raw).mean()),
        gain=float(gain.mean()),
        gain_95=_interval(gain, np.concatenate(people)),
        queries=len(gain),
    )


def _draws(places: Sequence[Place]) -> Iterator[tuple[int, Place]]:
    for _ in range(_DRAWS):
        yield from enumerate(places)


def average_precision(
    place: Place, vectors: Halves
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Of every tracklet as a query, and whether it has a match before another camera: [n] each."""
    wide = vectors.astype(np.float32)
    same = place.people[:, None] == place.people
    passed_over = same & (place.cameras[:, None] == place.cameras)
    similarity = np.where(passed_over, -np.inf, wide @ wide.T)
    order = np.argsort(-similarity, axis=1, kind="stable")
    hits = np.take_along_axis(same & ~passed_over, order, axis=1)
    matches = hits.sum(axis=1)
    precision = np.cumsum(hits, axis=1) / np.arange(1, len(wide) + 1)
    return (precision * hits).sum(axis=1) / np.maximum(matches, 1), matches > 0


def _interval(values: NDArray[np.float64], people: Ints) -> tuple[float, float]:
    """95 % of the mean, by drawing people."""
    names, member = np.unique(people, return_inverse=True)
    totals, counts = np.bincount(member, values), np.bincount(member)
    rng = np.random.Generator(np.random.PCG64(0))
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), 1000)
    means = (drawn @ totals) / (drawn @ counts)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
