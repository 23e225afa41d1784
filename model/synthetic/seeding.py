"""Independent random streams, addressed by what they are for.

Every person, scene, camera and tracklet draws from a stream of its own, so that neither the order
of work nor the number of workers changes a picture.
"""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    PLAN = 1
    SCENE = 2
    CAMERA = 3
    LIGHT = 4
    FAMILY = 5
    PERSON = 6
    TRACKLET = 7


def stream(seed: int, purpose: Stream, *address: int) -> np.random.Generator:
    """The generator of one purpose at one address, the same in every process."""
    return np.random.default_rng([seed, int(purpose), *address])


def chance(rng: np.random.Generator, probability: float) -> bool:
    return bool(rng.random() < probability)


def pick(rng: np.random.Generator, weights: dict[int, float]) -> int:
    """One key, drawn with its weight; the weights need not add up to one."""
    keys = list(weights)
    shares = np.array([weights[key] for key in keys])
    return keys[int(np.searchsorted(np.cumsum(shares / shares.sum()), rng.random()))]
