"""Distinct identities, exactly as a comparison with everything would rank them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer import ranking
from indexer.ranking import UNLABELLED, nearest_candidates, rank
from indexer.records import Search
from indexer.reranking import Strangeness
from indexer.templates import Templates
from indexer.vectors import CpuVectors, Mask, Nearest, scores

WIDTH = 8
Place = tuple[int, tuple[str, ...], tuple[float, ...]]


@dataclass
class Everything:
    """Real FAISS vectors with labels and ids."""

    vectors: CpuVectors
    labels: NDArray[np.int32]
    ids: Sequence[str]
    cameras: NDArray[np.int32] = field(init=False)
    widest: int = 0

    def __post_init__(self) -> None:
        self.cameras = (np.arange(len(self.ids)) % 3).astype(np.int32) - 1

    def nearest(self, query: NDArray[np.float32], k: int, allowed: Mask | None) -> Nearest:
        self.widest = max(self.widest, k)
        return self.vectors.nearest(query, k, allowed)

    def scores(
        self, query: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        return scores(self.vectors, query, positions)

    def templates(
        self, members: Mapping[int, NDArray[np.int64]]
    ) -> Mapping[int, NDArray[np.float32]]:
        whole = np.bincount(self.labels[self.labels != UNLABELLED], minlength=1)
        return Templates().of(members, whole, self.vectors.read)


def pool() -> NDArray[np.float16]:
    """Few directions, so that equal vectors and so equal scores are common."""
    rows = np.random.default_rng(3).standard_normal((12, WIDTH))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


def build(directions: list[int], labels: list[int], threads: int = 2) -> Everything:
    vectors = CpuVectors(WIDTH, threads)
    vectors.add(pool()[directions].reshape(-1, WIDTH))
    # Ids whose order is not that of the positions.
    ids = [f"t{(7919 * position) % 1000:03d}-{position}" for position in range(len(directions))]
    return Everything(vectors, np.array(labels, np.int32).reshape(-1), ids)


def brute_force(
    view: Everything, query: NDArray[np.float32], wanted: Search, allowed: NDArray[np.bool_]
) -> list[Place]:
    everyone = np.arange(len(view.ids))
    exact = np.minimum(
        (view.vectors.read(everyone).astype(np.float64) * query.astype(np.float64)).sum(axis=1), 1
    ).astype(np.float32)
    order = sorted(
        (p for p in everyone.tolist() if allowed[p]), key=lambda p: (-exact[p], view.ids[p])
    )
    places: dict[object, list[int]] = {}
    for position in order:
        if wanted.min_score is None or float(exact[position]) >= wanted.min_score:
            label = int(view.labels[position])
            places.setdefault(("alone", position) if label == UNLABELLED else label, []).append(
                position
            )
    best = [group[: wanted.tracklets_per_identity] for group in places.values()][: wanted.top_k]
    return [
        (
            int(view.labels[group[0]]),
            tuple(view.ids[p] for p in group),
            tuple(float(exact[p]) for p in group),
        )
        for group in best
    ]


def as_places(found: list[ranking.Place]) -> list[Place]:
    return [
        (
            place.hits[0].label,
            tuple(one.tracklet_id for one in place.hits),
            tuple(one.score for one in place.hits),
        )
        for place in found
    ]


@st.composite
def galleries(draw: st.DrawFn) -> tuple[list[int], list[int], list[bool]]:
    n = draw(st.integers(0, 80))

    def many(values: st.SearchStrategy[int]) -> list[int]:
        return draw(st.lists(values, min_size=n, max_size=n))

    labels = many(st.integers(UNLABELLED, draw(st.integers(0, 10))))
    allowed = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    return many(st.integers(0, 11)), labels, allowed


@given(
    galleries(),
    st.integers(1, 8),
    st.integers(1, 6),
    st.none() | st.floats(-1, 1, width=32),
    st.booleans(),
    st.integers(0, 5),
)
@settings(max_examples=80, deadline=None)
def test_ranks_like_brute_force(
    made: tuple[list[int], list[int], list[bool]],
    top_k: int,
    each: int,
    min_score: float | None,
    filtered: bool,
    seed: int,
) -> None:
    directions, labels, chosen = made
    view = build(directions, labels)
    query = pool()[seed].astype(np.float32)
    wanted = Search(top_k=top_k, tracklets_per_identity=each, min_score=min_score)
    allowed = np.array(chosen, bool) if filtered else np.ones(len(chosen), bool)
    # A first look at two vectors makes every kind of widening happen in small galleries.
    with patch.object(ranking, "_FIRST_K", 2), patch.object(ranking, "_WIDENING", 2):
        groups = rank(view, query, wanted, allowed if filtered else None)
    view.vectors.close()
    assert as_places(groups) == brute_force(view, query, wanted, allowed)


def test_widens_past_an_identity_that_owns_the_nearest_thousand() -> None:
    view = build([0] * 1000 + [5, 6], [1] * 1000 + [2, 3])
    groups = rank(view, pool()[0].astype(np.float32), Search(top_k=3), None)
    assert sorted(place.hits[0].label for place in groups) == [1, 2, 3]
    assert (len(groups[0].hits), groups[0].compared) == (5, 1000)
    view.vectors.close()


def test_does_not_widen_without_need() -> None:
    view = build([position % 12 for position in range(1200)], list(range(1200)))
    view.labels[:] = np.arange(1200) % 12
    groups = rank(view, pool()[0].astype(np.float32), Search(top_k=1), None)
    assert view.widest == 128
    assert groups[0].hits[0].label == 0
    view.vectors.close()


def test_the_best_tracklets_are_complete_beyond_the_first_look() -> None:
    """Identity 1 has one near tracklet and others behind hundreds of strangers."""
    near = pool()[0].astype(np.float32)
    first, second, later = np.argsort(-(pool().astype(np.float32) @ near))[[0, 1, 5]].tolist()
    view = build([first] + [second] * 600 + [later] * 3, [1, *range(2, 602), 1, 1, 1])
    groups = rank(view, near, Search(top_k=1, tracklets_per_identity=4), None)
    assert [len(place.hits) for place in groups] == [4]
    view.vectors.close()


def by_definition(
    view: Everything, query: NDArray[np.float32], identity: str, allowed: NDArray[np.bool_]
) -> dict[str, float]:
    """The score of every place, by the id of its best tracklet."""
    rows = view.vectors.read(np.arange(len(view.ids))).astype(np.float64)
    cosines = np.minimum(rows @ query.astype(np.float64), 1)
    places: dict[object, list[int]] = {}
    for p in np.flatnonzero(allowed).tolist():
        label = int(view.labels[p])
        places.setdefault(("alone", p) if label == UNLABELLED else label, []).append(p)
    found = {}
    for members in places.values():
        best = min(members, key=lambda p: (-np.float32(cosines[p]), view.ids[p]))
        score = cosines[best]
        if identity == "template" and len(members) > 1:
            total = rows[members].sum(axis=0)
            score = min(total @ query.astype(np.float64) / np.linalg.norm(total), 1)
        if identity == "camera_mean":
            seen_by = {int(view.cameras[p]) for p in members}
            score = np.mean(
                [max(cosines[p] for p in members if view.cameras[p] == c) for c in seen_by]
            )
        found[view.ids[best]] = float(score)
    return found


@pytest.mark.parametrize("identity", ["camera_mean", "template"])
@pytest.mark.parametrize("filtered", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_scores_identities_by_all_of_their_tracklets_that_pass(
    identity: str, filtered: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    view = build(rng.integers(0, 12, 120).tolist(), rng.integers(-1, 9, 120).tolist())
    query = pool()[seed].astype(np.float32)
    allowed = rng.random(120) < 0.5 if filtered else np.ones(120, bool)
    found = rank(view, query, Search(top_k=100), allowed if filtered else None, identity=identity)  # type: ignore[call-overload]
    expected = by_definition(view, query, identity, allowed)
    assert {p.hits[0].tracklet_id: p.score for p in found} == pytest.approx(expected, abs=1e-6)
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    labels = view.labels[allowed]
    for place in found:
        label = place.hits[0].label
        assert place.compared == (1 if label == UNLABELLED else np.count_nonzero(labels == label))
    least = found[len(found) // 2].score
    cut = rank(view, query, Search(top_k=100, min_score=least), allowed, identity=identity)
    assert [p.score for p in cut] == [p.score for p in found if p.score >= least]
    view.vectors.close()


def test_strangeness_changes_the_order_and_no_score() -> None:
    view = build([0, 1, 2, 3], [1, 2, 3, UNLABELLED])
    query = pool()[0].astype(np.float32)
    plain = rank(view, query, Search(), None)
    turned = rank(
        view, query, Search(), None, strange=Strangeness({plain[2].hits[0].position: -9.0}, 1.0)
    )
    assert turned == [plain[2], plain[0], plain[1], plain[3]]
    view.vectors.close()


def test_the_nearest_candidates_are_those_of_all() -> None:
    view = build([position % 12 for position in range(900)], [UNLABELLED] * 900)
    query = pool()[3].astype(np.float32)
    with patch.object(ranking, "_WIDENING", 2):
        found = nearest_candidates(view, query, None, 100)
    everything = nearest_candidates(view, query, None, 900)
    assert len(everything) == 900
    assert found == everything[:100]
    view.vectors.close()


@pytest.mark.parametrize("allowed", [None, np.empty(0, bool)])
def test_an_empty_gallery_ranks_nobody(allowed: Mask | None) -> None:
    view = build([], [])
    assert rank(view, pool()[0].astype(np.float32), Search(), allowed) == []
    view.vectors.close()
