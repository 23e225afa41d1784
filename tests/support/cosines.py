"""Embeddings of made-up people whose cosines follow a known law."""

import numpy as np
from numpy.typing import NDArray

from model.calibrating.pairs import Pairs


def normal_pairs(
    people: int = 200,
    genuine: int = 2000,
    impostor: int = 20_000,
    *,
    mean: float = 0.5,
    deviation: float = 0.1,
    seed: int = 0,
) -> Pairs:
    """Cosines of the same person around `mean`, of others around 0, both normal.

    Their true log-likelihood ratio is mean * (cosine - mean / 2) / deviation².
    """
    rng = np.random.default_rng(seed)
    left = rng.integers(0, people, impostor)
    right = (left + rng.integers(1, people, impostor)) % people
    return Pairs(
        genuine=rng.normal(mean, deviation, genuine).astype(np.float32),
        genuine_people=rng.integers(0, people, genuine),
        impostor=rng.normal(0, deviation, impostor).astype(np.float32),
        impostor_people=np.stack([left, right], axis=1),
    )


def true_ratio(cosine: NDArray[np.float64], mean: float = 0.5, deviation: float = 0.1) -> object:
    """The log-likelihood ratio of `normal_pairs`."""
    return mean * (cosine - mean / 2) / deviation**2
