"""Distinct identities, exactly as a comparison with everything would rank them."""

from collections.abc import Sequence
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer import ranking
from indexer.ranking import UNLABELLED, Candidate, rank
from indexer.records import Search
from indexer.vectors import CpuVectors, Mask, Nearest, scores

WIDTH = 8
Place = tuple[int, tuple[str, ...], tuple[float, ...]]


@dataclass
class Everything:
    """Real FAISS vectors with labels and ids."""

    vectors: CpuVectors
    labels: NDArray[np.int32]
    ids: Sequence[str]
    widest: int = 0

    def nearest(self, query: NDArray[np.float32], k: int, allowed: Mask | None) -> Nearest:
        self.widest = max(self.widest, k)
        return self.vectors.nearest(query, k, allowed)

    def scores(
        self, query: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        return scores(self.vectors, query, positions)


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


def as_places(groups: list[list[Candidate]]) -> list[Place]:
    return [
        (
            group[0].label,
            tuple(one.tracklet_id for one in group),
            tuple(one.score for one in group),
        )
        for group in groups
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
    assert sorted(group[0].label for group in groups) == [1, 2, 3]
    assert len(groups[0]) == 5
    view.vectors.close()


def test_does_not_widen_without_need() -> None:
    view = build([position % 12 for position in range(1200)], list(range(1200)))
    view.labels[:] = np.arange(1200) % 12
    groups = rank(view, pool()[0].astype(np.float32), Search(top_k=1), None)
    assert view.widest == 128
    assert groups[0][0].label == 0
    view.vectors.close()


def test_the_best_tracklets_are_complete_beyond_the_first_look() -> None:
    """Identity 1 has one near tracklet and others behind hundreds of strangers."""
    near = pool()[0].astype(np.float32)
    first, second, later = np.argsort(-(pool().astype(np.float32) @ near))[[0, 1, 5]].tolist()
    view = build([first] + [second] * 600 + [later] * 3, [1, *range(2, 602), 1, 1, 1])
    groups = rank(view, near, Search(top_k=1, tracklets_per_identity=4), None)
    assert [len(group) for group in groups] == [4]
    view.vectors.close()


@pytest.mark.parametrize("allowed", [None, np.empty(0, bool)])
def test_an_empty_gallery_ranks_nobody(allowed: Mask | None) -> None:
    view = build([], [])
    assert rank(view, pool()[0].astype(np.float32), Search(), allowed) == []
    view.vectors.close()
