"""Serving-mode re-ranking against a direct transcription of the published algorithm."""

import numpy as np
import pytest
from numpy.typing import NDArray

from model.learning.rerank import GalleryGraph


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def published(
    query: NDArray[np.float32], gallery: NDArray[np.float32], k1: int, k2: int, blend: float
) -> NDArray[np.float64]:
    """Zhong et al. 2017 on the gallery and one query, which is nobody's neighbour."""
    G = len(gallery)
    everyone = np.concatenate([gallery, query[None]]).astype(np.float64)
    similarity = everyone @ everyone.T

    def nearest(i: int, k: int) -> list[int]:
        order = [g for g in np.argsort(-similarity[i, :G], kind="stable").tolist() if g != i]
        return ([i] if i < G else []) + order[:k]

    def reciprocal(i: int, k: int) -> set[int]:
        mutual = set()
        for g in nearest(i, k):
            reach = similarity[g, nearest(g, k)[-1]]
            if similarity[i, g] >= reach:
                mutual.add(g)
        return mutual

    def encode(i: int) -> NDArray[np.float64]:
        mutual = reciprocal(i, k1)
        members = set(mutual)
        for g in sorted(mutual):
            theirs = reciprocal(g, k1 // 2)
            if len(mutual & theirs) > 2 / 3 * len(theirs):
                members = members | theirs
        weights = np.zeros(G)
        for g in members or {nearest(i, 1)[0]}:
            weights[g] = np.exp(2 * similarity[i, g] - 2)
        return weights / weights.sum()

    own = np.stack([encode(i) for i in range(G + 1)])
    mixed = np.stack([own[nearest(i, k2 - 1)[:k2]].mean(0) for i in range(G)])
    asked = (own[G] + mixed[nearest(G, k2 - 1)].sum(0)) / k2
    scores = []
    for g in range(G):
        jaccard = 1 - np.minimum(asked, mixed[g]).sum() / np.maximum(asked, mixed[g]).sum()
        scores.append((1 - blend) * jaccard + blend * (1 - similarity[G, g]))
    return -np.array(scores)


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_published_algorithm_for_one_query(seed: int) -> None:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(6, 8))
    gallery = unit(centres.repeat(7, 0) + 0.5 * rng.normal(size=(42, 8)))
    query = unit(centres[:1] + 0.5 * rng.normal(size=(1, 8)))[0]

    graph = GalleryGraph.build(gallery, k1=8, k2=3, blend=0.3)

    assert graph.rerank(gallery @ query) == pytest.approx(
        published(query, gallery, 8, 3, 0.3), abs=1e-5
    )


def test_a_match_beyond_a_near_stranger_comes_back() -> None:
    rng = np.random.default_rng(1)
    person = unit(np.array([[1, 0.0, 0, 0]]) + 0.12 * rng.normal(size=(8, 4)))
    others = unit(np.array([[0, 0, 1.0, 0.3]]) + 0.12 * rng.normal(size=(8, 4)))
    gallery = np.concatenate([person, others])
    query = unit(np.array([[1, 0.3, 0.35, 0.0]]))[0]

    graph = GalleryGraph.build(gallery, k1=6, k2=3)

    assert set(np.argsort(-graph.rerank(gallery @ query))[:8].tolist()) == set(range(8))


def test_a_gallery_smaller_than_the_neighbourhood_works() -> None:
    gallery = unit(np.random.default_rng(0).normal(size=(3, 4)))

    scores = GalleryGraph.build(gallery).rerank(gallery @ gallery[1])

    assert scores.argmax() == 1
