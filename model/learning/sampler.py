"""Which tracklets and frames a step sees: P identities x K tracklets x L frames (PK sampling).

A step's plan is a function of the seed and the step's number alone. So any worker can make any
step, and a run that was killed goes on with the very batches it would have seen.

Plainly (section 4.2), identities come in shuffled rounds. With `environments`, a batch's people
come from one or two places, many of them as whole families of lookalikes: where strangers stand
before other backgrounds, the background tells them apart and nothing is learnt about people.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from model.datasets.tracklets import TrackletSource
from model.errors import InvalidParameter
from model.learning.config import BatchSettings, BatchShape
from model.sampling import random_indices

Rng = np.random.Generator


@dataclass(frozen=True)
class Stranger:
    """A frame of another person that takes the place of one's own."""

    slot: int
    tracklet: int
    frame: int


@dataclass(frozen=True)
class Pick:
    """One tracklet of a batch: which frames, who else appears, and the seed of its augmentation."""

    tracklet: int
    frames: tuple[int, ...]
    strangers: tuple[Stranger, ...]
    seed: int


@dataclass(frozen=True)
class Plan:
    """One step."""

    shape: BatchShape
    picks: tuple[Pick, ...]


class PKSampler:
    """Plans steps over the training tracklets. Raises `InvalidParameter` for too few people."""

    def __init__(
        self, tracklets: tuple[TrackletSource, ...], settings: BatchSettings, seed: int
    ) -> None:
        self._tracklets, self._settings, self._seed = tracklets, settings, seed
        self._of_person: dict[int, list[int]] = defaultdict(list)
        places: dict[int, set[int]] = defaultdict(set)
        self._family: dict[int, int] = {}
        for i, tracklet in enumerate(tracklets):
            self._of_person[tracklet.identity].append(i)
            places[tracklet.environment].add(tracklet.identity)
            if tracklet.family is not None:
                self._family[tracklet.identity] = tracklet.family
        if len(self._of_person) < 2:
            raise InvalidParameter("training needs tracklets of at least two identities")
        self.people = sorted(self._of_person)
        self.label = {person: k for k, person in enumerate(self.people)}
        """Identity -> class 0..K-1."""
        self._places = {place: sorted(people) for place, people in sorted(places.items())}

    @property
    def steps_per_epoch(self) -> int:
        """Steps that show as many tracklets as there are, at the mean batch size."""
        shapes = self._settings.shapes
        share = sum(shape.share for shape in shapes)
        size = sum(shape.size * shape.share for shape in shapes) / share
        return max(1, round(len(self._tracklets) / size))

    def plan(self, step: int) -> Plan:
        """The batch of step 0, 1, ..."""
        rng = np.random.Generator(np.random.PCG64([self._seed, step]))
        shape = self._shape(rng)
        count = min(shape.identities, len(self.people))
        if self._settings.environments is None:
            people, places = self._round_of_people(step, count), None
        else:
            people, places = self._neighbours(count, rng)
        chosen = [i for person in people for i in self._tracklets_of(person, places, shape, rng)]
        return Plan(shape, tuple(self._pick(i, chosen, shape, rng) for i in chosen))

    def _shape(self, rng: Rng) -> BatchShape:
        shares = np.array([shape.share for shape in self._settings.shapes])
        return self._settings.shapes[rng.choice(len(shares), p=shares / shares.sum())]

    def _round_of_people(self, step: int, count: int) -> list[int]:
        """Identities `step * count ...` of an endless row of shuffled rounds over everybody."""
        people: list[int] = []
        per_round = len(self.people) // count
        turn, place = divmod(step, per_round)
        order = np.random.Generator(np.random.PCG64([self._seed, 1, turn])).permutation(self.people)
        people.extend(order[place * count : (place + 1) * count].tolist())
        return people

    def _neighbours(self, count: int, rng: Rng) -> tuple[list[int], set[int]]:
        """`count` people of few places, a share of them as whole families; and the places."""
        assert self._settings.environments is not None
        places: set[int] = set()
        pool: set[int] = set()
        for place in rng.permutation(list(self._places)).tolist():
            if len(places) >= self._settings.environments and len(pool) >= count:
                break
            places.add(place)
            pool.update(self._places[place])
        families: dict[int, list[int]] = defaultdict(list)
        for person in sorted(pool):
            if person in self._family:
                families[self._family[person]].append(person)
        whole = [members for members in families.values() if len(members) > 1]
        people: list[int] = []
        for k in rng.permutation(len(whole)).tolist():
            if len(people) >= self._settings.family_share * count:
                break
            people.extend(whole[k])
        others = sorted(pool.difference(people))
        people.extend(rng.permutation(others).tolist())
        return people[:count], places

    def _tracklets_of(
        self, person: int, places: set[int] | None, shape: BatchShape, rng: Rng
    ) -> list[int]:
        """K tracklets from as many cameras as possible; repeated only where there are fewer."""
        mine = self._of_person[person]
        if places is not None:
            here = [i for i in mine if self._tracklets[i].environment in places]
            mine = here if len(here) >= 2 else mine
        order = _cameras_in_turn(self._tracklets, rng.permutation(mine).tolist())
        return [order[k % len(order)] for k in range(shape.tracklets)]

    def _pick(self, tracklet: int, batch: list[int], shape: BatchShape, rng: Rng) -> Pick:
        frames = random_indices(len(self._tracklets[tracklet].frames), shape.frames, rng)
        strangers: tuple[Stranger, ...] = ()
        if rng.random() < self._settings.foreign_rate:
            strangers = self._strangers(tracklet, batch, len(frames), rng)
        return Pick(tracklet, tuple(frames.tolist()), strangers, int(rng.integers(2**62)))

    def _strangers(
        self, tracklet: int, batch: list[int], length: int, rng: Rng
    ) -> tuple[Stranger, ...]:
        """Fewer than half of the frames, all of one other person of the batch."""
        mine = self._tracklets[tracklet].identity
        others = [i for i in batch if self._tracklets[i].identity != mine]
        most = (length - 1) // 2
        if most < 1 or not others:
            return ()
        other = others[rng.integers(len(others))]
        slots = rng.permutation(length)[: rng.integers(1, most + 1)]
        frames = rng.integers(len(self._tracklets[other].frames), size=len(slots))
        return tuple(
            Stranger(slot, other, frame)
            for slot, frame in zip(slots.tolist(), frames.tolist(), strict=True)
        )


def _cameras_in_turn(tracklets: tuple[TrackletSource, ...], order: list[int]) -> list[int]:
    """`order` rearranged so that each camera gives one tracklet before any gives a second."""
    turn: dict[int, int] = defaultdict(int)
    ranked = []
    for place, i in enumerate(order):
        camera = tracklets[i].camera
        ranked.append((turn[camera], place, i))
        turn[camera] += 1
    return [i for _, _, i in sorted(ranked)]
