"""Who is seen where: the list of a world's tracklets, made before anything is rendered."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from model.synthetic.config import WorldConfig
from model.synthetic.outfit import Season
from model.synthetic.seeding import Stream, chance, stream

FAMILY = 4
"""People in a lookalike family."""


@dataclass(frozen=True)
class TrackletPlan:
    """One tracklet to come; `camera` is counted through all environments."""

    identity: int
    family: int
    """number of the family's first person; everyone else is their own family"""
    environment: int
    camera: int
    lighting: int
    night: bool
    outfit_changes: bool


@dataclass(frozen=True)
class Plan:
    tracklets: tuple[TrackletPlan, ...]
    families: NDArray[np.int32]
    """[identities] family of each identity"""
    homes: NDArray[np.int32]
    """[identities] environment of each identity"""


@lru_cache(maxsize=4)
def make_plan(config: WorldConfig) -> Plan:
    """All tracklets, ordered by environment and identity so that shards reuse views and people."""
    families, homes = _families_and_homes(config)
    entries: list[tuple[int, int, int, TrackletPlan]] = []
    for identity in range(config.identities):
        for slot, entry in enumerate(_identity_plan(config, identity, families, homes)):
            entries.append((entry.environment, identity, slot, entry))
    entries.sort(key=lambda entry: entry[:3])
    return Plan(tuple(entry[3] for entry in entries), families, homes)


def season_of(config: WorldConfig, environment: int) -> Season:
    return Season(int(stream(config.root_seed, Stream.PLAN, 1, environment).integers(3)))


def family_of(families: NDArray[np.int32], identity: int) -> int | None:
    """The family to dress by, None for a person without lookalikes."""
    first = int(families[identity])
    alone = np.count_nonzero(families[first : first + FAMILY] == first) < 2
    return None if alone else first


def _families_and_homes(config: WorldConfig) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    rng = stream(config.root_seed, Stream.PLAN, 0)
    blocks = -(-config.identities // FAMILY)
    alike = rng.random(blocks) < config.family_rate
    identities = np.arange(config.identities)
    block = identities // FAMILY
    families = np.where(alike[block], block * FAMILY, identities)
    homes = block * config.environments // blocks
    return families.astype(np.int32), homes.astype(np.int32)


def _identity_plan(
    config: WorldConfig, identity: int, families: NDArray[np.int32], homes: NDArray[np.int32]
) -> list[TrackletPlan]:
    rng = stream(config.root_seed, Stream.PLAN, 2, identity)
    home, count = int(homes[identity]), config.tracklets_per_identity
    other = home
    if config.environments > 1 and chance(rng, config.second_environment_rate):
        other = (home + 1 + int(rng.integers(config.environments - 1))) % config.environments
    cameras = config.cameras_per_environment
    order = [np.asarray(rng.permutation(cameras)) for _ in range(-(-count // cameras) + 1)]
    sequence = np.concatenate(order)
    entries = []
    for slot in range(count):
        environment = other if 2 * slot >= count else home
        camera = int(sequence[slot])
        # One camera per environment has a night, so that only few more views are needed.
        night = camera == 0 and chance(rng, min(1.0, config.night_rate * cameras))
        entries.append(
            TrackletPlan(
                identity=identity,
                family=int(families[identity]),
                environment=environment,
                camera=environment * cameras + camera,
                lighting=int(rng.integers(config.lightings_per_camera)),
                night=night,
                outfit_changes=slot > 0 and chance(rng, config.outfit_change_rate),
            )
        )
    return entries
