"""Which frames of a tracklet the network sees: restricted sampling without repeats.

A tracklet of n frames is cut into L chunks with boundaries floor(i * n / L); one frame is taken
from each. No frame is ever taken twice: a tracklet shorter than L gives all its frames, and the
rest is padding that the mask hides (the paper's section 4.2 samples 8 frames in training and 32 in
the test, and is silent on short tracklets).
"""

import numpy as np
from numpy.typing import NDArray


def _boundaries(n: int, length: int) -> NDArray[np.int64]:
    if n < 1 or length < 1:
        raise ValueError(f"a tracklet has at least one frame, and a sample too: {n=}, {length=}")
    return np.arange(length + 1, dtype=np.int64) * n // length


def central_indices(n: int, length: int) -> NDArray[np.int64]:
    """The middle frame of each chunk (the lower one of an even chunk): int64 [min(n, length)].

    Deterministic and strictly increasing.
    """
    edges = _boundaries(n, min(n, length))
    return (edges[:-1] + edges[1:] - 1) // 2


def random_indices(n: int, length: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A random frame of each chunk: int64 [min(n, length)], strictly increasing."""
    edges = _boundaries(n, min(n, length))
    return rng.integers(edges[:-1], edges[1:])
