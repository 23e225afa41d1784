"""From cosines to likelihood ratios by isotonic regression, and how good they are."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.calibrating.pairs import Floats, Pairs
from model.calibration import Evidence

_BINS: Final = 10_000
_LEAST_WEIGHT: Final = 0.02
"""Of a point of the curve: so much of the genuine and the impostor share together (of 2)."""
_RELIABILITY_BINS: Final = 10

Doubles = NDArray[np.float64]


def fit_evidence(
    pairs: Pairs,
    *,
    ceiling: float,
    floor: float,
    least_frames: int = 1,
    most_frames: int | None = None,
) -> Evidence | None:
    """The non-decreasing likelihood ratio that fits the pairs best.

    Pooled adjacent violators give steps; the curve runs through the middle of each step (centred
    isotonic regression). Half a pair more is assumed on either side of a step, so that no step
    claims to be certain, and nothing passes `floor` and `ceiling` (natural logarithms). None where
    all cosines fall into one step: they tell nothing.
    """
    G, I = len(pairs.genuine), len(pairs.impostor)  # noqa: E741 (axis letters)
    if not G or not I:
        return None
    edges = np.linspace(-1, 1, _BINS + 1)
    genuine = np.histogram(pairs.genuine.clip(-1, 1), edges)[0].astype(np.float64)
    impostor = np.histogram(pairs.impostor.clip(-1, 1), edges)[0].astype(np.float64)
    used = genuine + impostor > 0
    centres = ((edges[:-1] + edges[1:]) / 2)[used]
    genuine, impostor = genuine[used], impostor[used]
    weight = genuine / G + impostor / I
    steps = _wide(_pooled(genuine / G, impostor / I), weight)
    if len(steps) < 2:
        return None
    cosines, values = [], []
    for start, stop in steps:
        part = slice(start, stop)
        ratio = (genuine[part].sum() + 0.5) / (G + 1) * (I + 1) / (impostor[part].sum() + 0.5)
        cosines.append(float(np.average(centres[part], weights=weight[part])))
        values.append(min(max(math.log(ratio), floor), ceiling))
    return Evidence(
        least_frames=least_frames,
        most_frames=most_frames,
        genuine_pairs=G,
        impostor_pairs=I,
        cosines=tuple(cosines),
        values=tuple(np.maximum.accumulate(values).tolist()),
    )


def _pooled(genuine: Doubles, impostor: Doubles) -> list[tuple[int, int]]:
    """Neighbouring bins pooled until the ratio rises from step to step: (start, stop) each."""
    steps: list[tuple[int, int, float, float]] = []
    for place, (g, i) in enumerate(zip(genuine.tolist(), impostor.tolist(), strict=True)):
        start, stop = place, place + 1
        # g / (g + i) of the step before is no less: compared without dividing.
        while steps and steps[-1][2] * i >= g * steps[-1][3]:
            start, _, before_g, before_i = steps.pop()
            g, i = g + before_g, i + before_i
        steps.append((start, stop, g, i))
    return [(start, stop) for start, stop, _, _ in steps]


def _wide(steps: list[tuple[int, int]], weight: Doubles) -> list[tuple[int, int]]:
    """Neighbouring steps joined until each has enough weight behind it."""
    joined: list[tuple[int, int]] = []
    for start, stop in steps:
        if joined and weight[slice(*joined[-1])].sum() < _LEAST_WEIGHT:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    if len(joined) > 1 and weight[slice(*joined[-1])].sum() < _LEAST_WEIGHT:
        last = joined.pop()
        joined[-1] = (joined[-1][0], last[1])
    return joined


def ratios(evidence: Evidence, cosines: Floats) -> Doubles:
    """The natural logarithm of the likelihood ratio of each cosine [n]."""
    return np.interp(cosines, evidence.cosines, evidence.values)


def cost(evidence: Evidence, pairs: Pairs) -> float:
    """Cllr in bits: 0 is perfect, 1 is what saying nothing costs, more does harm."""
    genuine, impostor = ratios(evidence, pairs.genuine), ratios(evidence, pairs.impostor)
    bits = np.logaddexp(0, -genuine).mean() + np.logaddexp(0, impostor).mean()
    return float(bits / (2 * math.log(2)))


@dataclass(frozen=True)
class Reliability:
    """What probabilities were given, and what share of the pairs was the same person."""

    prior: float
    promised: tuple[float, ...]
    """Mean probability of each bin, rising."""
    found: tuple[float, ...]
    """Share of genuine pairs in it, weighted as the prior says."""
    weights: tuple[float, ...]
    """Share of all pairs in it, weighted likewise; they sum to 1."""

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance between what was promised and found."""
        gaps = np.abs(np.subtract(self.promised, self.found))
        return float(np.dot(gaps, self.weights))


def reliability(evidence: Evidence, pairs: Pairs, *, prior: float = 0.5) -> Reliability:
    """Compare the probabilities under `prior` with the pairs, in ten bins of probability."""
    values = np.concatenate([ratios(evidence, pairs.genuine), ratios(evidence, pairs.impostor)])
    probability = 1 / (1 + np.exp(-values - math.log(prior / (1 - prior))))
    G, I = len(pairs.genuine), len(pairs.impostor)  # noqa: E741 (axis letters)
    weight = np.concatenate([np.full(G, prior / G), np.full(I, (1 - prior) / I)])
    same = np.concatenate([np.ones(G), np.zeros(I)])
    place = np.minimum((probability * _RELIABILITY_BINS).astype(np.int64), _RELIABILITY_BINS - 1)

    def sums(of: Doubles) -> Doubles:
        return np.bincount(place, weight * of, _RELIABILITY_BINS).astype(np.float64)

    total = sums(np.ones(G + I))
    used = total > 0
    return Reliability(
        prior=prior,
        promised=tuple((sums(probability)[used] / total[used]).tolist()),
        found=tuple((sums(same)[used] / total[used]).tolist()),
        weights=tuple(total[used].tolist()),
    )
