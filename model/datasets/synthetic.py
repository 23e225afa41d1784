"""Shards of the project's own world (`sightline synth`), which knows what every frame shows."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.datasets.tracklets import Dataset, Protocol, TrackletSource
from model.synthetic import Kind, open_world
from model.synthetic.reader import SyntheticTracklet, SyntheticWorld

HELD_OUT_SHARE = 0.1
MOST_HELD_OUT = 400
"""People never to train on: a tenth of them in whole families, but no more than this."""


@dataclass(frozen=True)
class ShardFrames:
    """A tracklet's frames within a world."""

    world: SyntheticWorld
    places: range

    def __len__(self) -> int:
        return len(self.places)

    def read(self, index: int) -> bytes:
        return self.world.jpeg(self.places[index])


@dataclass(frozen=True)
class ShardTruth:
    """What the world knows about a tracklet's frames."""

    world: SyntheticWorld
    places: range

    @property
    def visible(self) -> NDArray[np.float32]:
        return self.world.visible[self.places.start : self.places.stop]

    @property
    def foreign(self) -> NDArray[np.bool_]:
        return self.world.jump[self.places.start : self.places.stop]

    def person(self, index: int) -> NDArray[np.bool_]:
        mask: NDArray[np.bool_] = self.world.mask[self.places[index]]
        return mask


def read_synthetic(root: Path, held_out_share: float = HELD_OUT_SHARE) -> Dataset:
    """Nine tenths of the people to train on; the others, and in other kinds than K0 all, to test.

    In a test every tracklet queries all tracklets that other cameras took: those of its own
    environment, those of the others, or all of them. Testing on all people is for models that were
    trained on another world. Raises `InvalidParameter` where there is no finished world.
    """
    world = open_world(root)
    everybody = tuple(_source(world, tracklet) for tracklet in world.tracklets)
    held_out = _held_out(everybody, held_out_share)
    test = tuple(tracklet for tracklet in everybody if tracklet.identity in held_out)
    kind = world.config.kind
    protocols = [Protocol(f"synthetic {kind.upper()}, held-out people", test, test)]
    if kind is not Kind.K0:
        name = f"synthetic {kind.upper()}, all people"
        if world.config.environments > 1:
            protocols += [
                Protocol(f"{name}, same environment", everybody, everybody, "same place"),
                Protocol(f"{name}, other environments", everybody, everybody, "other places"),
            ]
        protocols.append(Protocol(name, everybody, everybody))
    return Dataset(
        name=f"synthetic-{kind}-{world.config.digest()}",
        train=tuple(tracklet for tracklet in everybody if tracklet.identity not in held_out),
        protocols=tuple(protocols),
    )


def _source(world: SyntheticWorld, tracklet: SyntheticTracklet) -> TrackletSource:
    return TrackletSource(
        identity=tracklet.identity,
        camera=tracklet.camera,
        frames=ShardFrames(world, tracklet.frames),
        environment=tracklet.environment,
        family=tracklet.family,
        truth=ShardTruth(world, tracklet.frames),
    )


def _held_out(tracklets: tuple[TrackletSource, ...], share: float) -> set[int]:
    """Whole families in a fixed random order until they are enough people."""
    members: dict[int, set[int]] = defaultdict(set)
    for tracklet in tracklets:
        assert tracklet.family is not None
        members[tracklet.family].add(tracklet.identity)
    people = sum(map(len, members.values()))
    enough = min(max(2, round(share * people)), MOST_HELD_OUT)
    held_out: set[int] = set()
    for family in np.random.Generator(np.random.PCG64(0)).permutation(sorted(members)).tolist():
        if len(held_out) >= enough:
            break
        held_out |= members[family]
    return held_out
