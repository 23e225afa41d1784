import numpy as np
import pytest

from model.learning.bootstrap import (
    identity_weights,
    intervals,
    intervals_over_seeds,
    paired_intervals,
)
from model.learning.metrics import Retrieval


def retrieval(precision: list[float]) -> Retrieval:
    values = np.array(precision)
    ranks = np.where(values > 0.5, 1, 9)
    return Retrieval(np.ones(len(values), np.bool_), ranks, values, values)


def test_a_persons_queries_are_drawn_together() -> None:
    identities = np.array([5, 5, 7, 9])
    valid = np.array([True, True, True, False])

    weights = identity_weights(identities, valid, resamples=50)

    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == 0).all()
    assert ((weights[:, 0] + weights[:, 2]) == 2).all()


def test_an_interval_holds_the_score_and_shrinks_with_more_people() -> None:
    rng = np.random.default_rng(0)
    few, many = rng.random(20), rng.random(2000)

    low, high = intervals(retrieval(few.tolist()), np.arange(20))["mAP"]
    near, far = intervals(retrieval(many.tolist()), np.arange(2000))["mAP"]

    assert low < few.mean() < high
    assert far - near < (high - low) / 5


def test_a_paired_interval_sees_a_small_change_that_single_intervals_hide() -> None:
    base = np.random.default_rng(0).random(100) * 0.9
    better = base + 0.02

    low, high = paired_intervals(
        retrieval(better.tolist()), retrieval(base.tolist()), np.arange(100)
    )["mAP"]

    assert low == pytest.approx(0.02)
    assert high == pytest.approx(0.02)


def test_other_queries_cannot_be_paired() -> None:
    ours, theirs = retrieval([0.5, 0.7]), retrieval([0.5, 0.7])
    theirs.valid[0] = False

    with pytest.raises(ValueError, match="same queries"):
        paired_intervals(ours, theirs, np.arange(2))


def runs(*seeds: int, gain: float = 0.0) -> list[Retrieval]:
    """Trainings from several seeds over the same queries; `gain` is what a row adds."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        precision = np.clip(rng.uniform(0.2, 0.8, 60) + gain, 0, 1)
        first = np.where(precision > 0.5, 1, 3).astype(np.int64)
        found.append(Retrieval(np.ones(60, np.bool_), first, precision, precision))
    return found


def test_the_interval_over_seeds_holds_the_mean_and_widens_with_their_spread() -> None:
    people = np.repeat(np.arange(20), 3)
    alike = runs(1, 1, 1)
    apart = [*runs(1), *runs(2, gain=0.2), *runs(3, gain=-0.2)]

    steady = intervals_over_seeds(alike, people)["mAP"]
    shaky = intervals_over_seeds(apart, people)["mAP"]

    assert steady[0] < alike[0].average_precision.mean() < steady[1]
    assert shaky[1] - shaky[0] > 1.5 * (steady[1] - steady[0])


def test_a_difference_over_seeds_and_people_is_paired() -> None:
    people = np.repeat(np.arange(20), 3)
    before, after = runs(1, 2, 3), runs(1, 2, 3, gain=0.02)

    low, high = intervals_over_seeds(after, people, before)["mAP"]

    assert 0.01 < low <= high < 0.03
    with pytest.raises(ValueError, match="seeds"):
        intervals_over_seeds(after, people, before[:2])
