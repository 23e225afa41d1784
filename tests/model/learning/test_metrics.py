"""Metrics against brute force and scikit-learn, on galleries with everything that goes wrong."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_curve

from model.datasets.tracklets import DISTRACTOR, Scope
from model.learning.metrics import Labels, comparable, retrieve, true_positive_rates


@st.composite
def galleries(draw: st.DrawFn) -> tuple[NDArray[np.float64], Labels, Labels]:
    """Few identities and cameras, distractors, and similarities that often tie."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    Q, G = draw(st.integers(1, 8)), draw(st.integers(1, 25))
    people, cameras = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    steps = draw(st.sampled_from([3, 10_000_000]))
    similarity = rng.integers(0, steps, (Q, G)) / steps
    query = Labels(rng.integers(0, people, Q), rng.integers(0, cameras, Q))
    gallery = Labels(rng.integers(DISTRACTOR, people, G), rng.integers(0, cameras, G))
    return similarity, query, gallery


def brute_force(
    row: NDArray[np.float64], identity: int, camera: int, gallery: Labels
) -> tuple[int, float, float] | None:
    """First rank, average precision and inverse penalty, by walking down the ranking."""
    kept = [
        (-row[g], g)
        for g in range(len(gallery))
        if not (gallery.identities[g] == identity and gallery.cameras[g] == camera)
    ]
    places = [
        place
        for place, (_, g) in enumerate(sorted(kept), start=1)
        if gallery.identities[g] == identity
    ]
    if not places:
        return None
    precisions = [(k + 1) / place for k, place in enumerate(places)]
    return places[0], sum(precisions) / len(precisions), len(places) / places[-1]


@given(galleries())
def test_retrieval_equals_brute_force(
    case: tuple[NDArray[np.float64], Labels, Labels],
) -> None:
    similarity, query, gallery = case

    found = retrieve(similarity, query, gallery)

    for q in range(len(query)):
        expected = brute_force(
            similarity[q], int(query.identities[q]), int(query.cameras[q]), gallery
        )
        assert found.valid[q] == (expected is not None)
        if expected is not None:
            assert found.first_match[q] == expected[0]
            assert found.average_precision[q] == pytest.approx(expected[1])
            assert found.inverse_penalty[q] == pytest.approx(expected[2])


@given(st.integers(0, 2**32 - 1), st.integers(2, 60))
def test_average_precision_equals_scikit_learn_where_nothing_ties(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    similarity = rng.permutation(size)[None] / size
    gallery = Labels(rng.integers(0, 2, size), np.ones(size, np.int64))
    gallery.identities[0] = 0

    found = retrieve(similarity, Labels(np.array([0]), np.array([0])), gallery)

    expected = average_precision_score(gallery.identities == 0, similarity[0])
    assert found.average_precision[0] == pytest.approx(expected)


def test_scores_by_hand() -> None:
    similarity = np.array([[0.9, 0.8, 0.7, 0.6], [0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, 0.4]])
    query = Labels(np.array([1, 2, 3]), np.array([0, 0, 0]))
    gallery = Labels(np.array([1, DISTRACTOR, 1, 2]), np.array([0, 1, 1, 1]))

    scores = retrieve(similarity, query, gallery).scores()

    # Query 1 loses its same-camera tracklet and matches second; query 2 matches fourth; 3 nowhere.
    assert scores["rank-1"] == 0
    assert scores["rank-5"] == 1
    assert scores["mAP"] == pytest.approx((1 / 2 + 1 / 4) / 2)
    assert scores["mINP"] == pytest.approx((1 / 2 + 1 / 4) / 2)


def test_no_match_at_all_is_an_error_not_a_zero() -> None:
    labels = Labels(np.array([1]), np.array([0]))

    with pytest.raises(ValueError, match="no query"):
        retrieve(np.ones((1, 1)), labels, labels).scores()


@given(galleries(), st.sampled_from([0.5, 0.2, 0.1]))
def test_true_positive_rate_equals_the_roc_curve(
    case: tuple[NDArray[np.float64], Labels, Labels], rate: float
) -> None:
    similarity, query, gallery = case
    usable = comparable(query, gallery)
    same = query.identities[:, None] == gallery.identities
    genuine, impostors = int((usable & same).sum()), int((usable & ~same).sum())

    (found,) = true_positive_rates(similarity, query, gallery, rates=(rate,)).values()

    if not genuine or impostors * rate < 1:
        assert found is None
    else:
        wrong, right, _ = roc_curve(same[usable], similarity[usable], drop_intermediate=False)
        assert found == pytest.approx(right[wrong <= rate + 1e-9].max())


@given(galleries(), st.sampled_from(["same place", "other places"]))
def test_a_scope_equals_a_gallery_of_what_lies_in_it(
    case: tuple[NDArray[np.float64], Labels, Labels], scope: Scope
) -> None:
    similarity, query, gallery = case
    rng = np.random.default_rng(len(gallery))
    asked = replace(query, places=rng.integers(0, 2, len(query)))
    held = replace(gallery, places=rng.integers(0, 2, len(gallery)))
    assert asked.places is not None
    assert held.places is not None

    found = retrieve(similarity, asked, held, scope)

    for q in range(len(query)):
        inside = (held.places == asked.places[q]) == (scope == "same place")
        part = Labels(gallery.identities[inside], gallery.cameras[inside])
        one = Labels(query.identities[[q]], query.cameras[[q]])
        alone = retrieve(similarity[[q]][:, inside], one, part)
        assert found.valid[q] == alone.valid[0]
        assert found.first_match[q] == alone.first_match[0]
        assert found.average_precision[q] == pytest.approx(alone.average_precision[0])


def test_a_scope_needs_places() -> None:
    labels = Labels(np.array([1]), np.array([0]))

    with pytest.raises(ValueError, match="places"):
        retrieve(np.ones((1, 1)), labels, labels, "same place")
