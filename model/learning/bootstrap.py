"""Confidence intervals by resampling identities, because a person's tracklets fail together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.learning.metrics import Retrieval, query_scores

RESAMPLES = 1000


def identity_weights(
    identities: NDArray[np.int64],
    valid: NDArray[np.bool_],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> NDArray[np.float64]:
    """How often each query counts in each resample of its people: [resamples, Q].

    Only people with a valid query are drawn; the weights of invalid queries are 0.
    """
    people, member = np.unique(identities[valid], return_inverse=True)
    rng = np.random.Generator(np.random.PCG64(seed))
    drawn = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), resamples)
    weights = np.zeros((resamples, len(identities)))
    weights[:, valid] = drawn[:, member]
    return weights


def intervals(
    retrieval: Retrieval,
    identities: NDArray[np.int64],
    *,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, tuple[float, float]]:
    """Percentile interval of every retrieval score."""
    weights = identity_weights(identities, retrieval.valid, seed=seed, resamples=resamples)
    drawn = _resampled(retrieval, weights)
    return {name: _percentiles(values, level) for name, values in drawn.items()}


def paired_intervals(
    ours: Retrieval,
    theirs: Retrieval,
    identities: NDArray[np.int64],
    *,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, tuple[float, float]]:
    """Interval of (ours - theirs) over the same queries, the same people drawn for both.

    A change is real where its interval excludes 0. Raises ValueError where the two do not hold
    the same valid queries.
    """
    if not np.array_equal(ours.valid, theirs.valid):
        raise ValueError("the two results are not about the same queries")
    weights = identity_weights(identities, ours.valid, seed=seed, resamples=resamples)
    a, b = _resampled(ours, weights), _resampled(theirs, weights)
    return {name: _percentiles(a[name] - b[name], level) for name in a}


def intervals_over_seeds(
    runs: Sequence[Retrieval],
    identities: NDArray[np.int64],
    against: Sequence[Retrieval] | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, tuple[float, float]]:
    """Interval of the mean over trainings from several seeds: seeds and people are both drawn.

    With `against`, trainings from the same seeds, it is that of the difference, the same seeds and
    people drawn for both. Few seeds make the interval coarse, and too narrow rather than too wide.
    Raises ValueError where they do not hold the same valid queries.
    """
    valid = runs[0].valid
    if not all(np.array_equal(one.valid, valid) for one in (*runs, *(against or ()))):
        raise ValueError("the results are not about the same queries")
    if against is not None and len(against) != len(runs):
        raise ValueError("the two have not the same seeds")
    weights = identity_weights(identities, valid, seed=seed, resamples=resamples)
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    drawn = rng.integers(len(runs), size=(resamples, len(runs)))
    ours = _mean_of_drawn(runs, weights, drawn)
    theirs = None if against is None else _mean_of_drawn(against, weights, drawn)
    return {
        name: _percentiles(values if theirs is None else values - theirs[name], level)
        for name, values in ours.items()
    }


def _mean_of_drawn(
    runs: Sequence[Retrieval], weights: NDArray[np.float64], drawn: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """Every score in every resample, averaged over the runs drawn for it [resamples, S]."""
    each = [_resampled(run, weights) for run in runs]
    places = np.arange(len(drawn))[:, None]
    return {
        name: np.stack([one[name] for one in each])[drawn, places].mean(axis=1) for name in each[0]
    }


def _resampled(
    retrieval: Retrieval, weights: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Every score in every resample [resamples] of the weights [resamples, Q]."""
    totals = weights.sum(1)
    return {name: weights @ row / totals for name, row in query_scores(retrieval).items()}


def _percentiles(values: NDArray[np.float64], level: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
