import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from model.calibrating.evidence import cost, fit_evidence, ratios, reliability
from model.calibrating.pairs import Pairs
from model.calibration import Evidence
from tests.support.cosines import normal_pairs, true_ratio

LIMITS = {"ceiling": 7.0, "floor": -7.0}


def fitted(pairs: Pairs) -> Evidence:
    evidence = fit_evidence(pairs, **LIMITS)
    assert evidence is not None
    return evidence


def test_the_true_ratio_is_found_where_there_is_support() -> None:
    evidence = fitted(normal_pairs(genuine=20_000, impostor=200_000))

    cosines = np.linspace(0.15, 0.35, 9)

    assert ratios(evidence, cosines) == pytest.approx(true_ratio(cosines), abs=0.6)


def test_nothing_is_claimed_beyond_the_limits() -> None:
    evidence = fit_evidence(normal_pairs(), ceiling=2.0, floor=-3.0)

    assert evidence is not None
    assert max(evidence.values) == 2.0
    assert min(evidence.values) == -3.0


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(2, 400), st.integers(2, 400))
def test_evidence_never_falls(seed: int, genuine: int, impostor: int) -> None:
    pairs = normal_pairs(genuine=genuine, impostor=impostor, mean=0.05, seed=seed)

    evidence = fit_evidence(pairs, **LIMITS)

    assert evidence is None or (np.diff(evidence.values) >= 0).all()


def test_the_steps_are_those_of_scikit_learns_isotonic_regression() -> None:
    pairs = normal_pairs(genuine=40_000, impostor=40_000, mean=0.2)
    evidence = fitted(pairs)

    same = np.concatenate([np.ones(40_000), np.zeros(40_000)])
    cosines = np.concatenate([pairs.genuine, pairs.impostor])
    theirs = IsotonicRegression(out_of_bounds="clip").fit(cosines, same)

    asked = np.linspace(-0.1, 0.3, 21)
    ours = 1 / (1 + np.exp(-ratios(evidence, asked)))
    assert ours == pytest.approx(theirs.predict(asked), abs=0.05)


def test_cosines_that_tell_nothing_give_no_evidence() -> None:
    pairs = normal_pairs(genuine=500, impostor=500)
    reversed_ = Pairs(
        pairs.genuine - 1, pairs.genuine_people, pairs.impostor, pairs.impostor_people
    )

    assert fit_evidence(reversed_, **LIMITS) is None


def test_cost_is_low_for_evidence_that_separates_and_high_for_evidence_that_misleads() -> None:
    pairs = normal_pairs(genuine=5000, impostor=50_000)
    good = fitted(pairs)
    silent = good.model_copy(update={"values": tuple(0.0 for _ in good.values)})
    wrong = good.model_copy(update={"values": tuple(-value for value in good.values)})

    assert cost(good, pairs) < 0.1
    assert cost(silent, pairs) == pytest.approx(1)
    assert cost(wrong, pairs) > 1


def test_probabilities_on_new_people_come_true() -> None:
    evidence = fitted(normal_pairs(genuine=5000, impostor=50_000, mean=0.2))
    others = normal_pairs(genuine=5000, impostor=50_000, mean=0.2, seed=1)

    honest = reliability(evidence, others)
    boastful = reliability(
        evidence.model_copy(update={"values": tuple(4 * value for value in evidence.values)}),
        others,
    )

    assert sum(honest.weights) == pytest.approx(1)
    assert honest.error < 0.02
    assert boastful.error > 0.05


def test_the_prior_decides_how_many_pairs_are_expected_to_be_the_same_person() -> None:
    pairs = normal_pairs(genuine=5000, impostor=50_000, mean=0.2)

    found = reliability(fitted(pairs), pairs, prior=0.01)

    assert np.dot(found.found, found.weights) == pytest.approx(0.01)
    assert found.error < 0.01
