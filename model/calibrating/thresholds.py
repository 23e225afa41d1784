"""The cosine for a false-accept rate, and the rate that a cosine realises."""

import numpy as np
from numpy.typing import NDArray

from model.calibrating.pairs import Floats, Pairs

RESAMPLES = 200


def threshold_for(impostor: Floats, far: float) -> float:
    """The lowest cosine at or above which at most a share `far` of the impostors [I] lies.

    Halfway between the last one accepted and the first one refused, so that scores that are
    rounded a little otherwise fall on the same side.
    """
    accepted = int(far * len(impostor) * (1 + 1e-12))
    place = len(impostor) - accepted
    ordered = np.partition(impostor, (place - 1, min(place, len(impostor) - 1)))
    refused = ordered[place - 1]
    above = ordered[place] if accepted else np.float32(1)
    middle = np.float32((float(refused) + float(above)) / 2)
    # Of equal scores none may pass.
    return float(middle if middle > refused else np.nextafter(refused, np.float32(2)))


def realised_rate(impostor: Floats, threshold: float) -> float:
    """Share of impostors [I] at or above a threshold."""
    return float(np.mean(impostor >= threshold))


def rate_interval(
    pairs: Pairs, threshold: float, *, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """95 % interval of the realised rate, from resamples of *people*.

    A resample that draws two people w and v times holds each pair of theirs w * v times.
    """
    everybody, member = np.unique(pairs.impostor_people, return_inverse=True)
    member = member.reshape(-1, 2)
    n = len(everybody)
    compared = _between(member, n)
    accepted = _between(member[pairs.impostor >= threshold], n)
    rng = np.random.Generator(np.random.PCG64(seed))
    drawn = rng.multinomial(n, np.full(n, 1 / n), resamples).astype(np.float64)
    passed = ((drawn @ accepted) * drawn).sum(axis=1)
    low, high = np.quantile(passed / ((drawn @ compared) * drawn).sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def _between(member: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """How many pairs there are of person a and person b: [n, n]."""
    counts = np.bincount(member[:, 0] * n + member[:, 1], minlength=n * n)
    return counts.reshape(n, n).astype(np.float64)
