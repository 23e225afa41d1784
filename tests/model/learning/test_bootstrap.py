import numpy as np
import pytest

from model.learning.bootstrap import identity_weights, intervals, paired_intervals
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
