"""k-reciprocal re-ranking (Zhong et al. 2017) as a service can do it: one query at a time.

The published gains use distances between queries, which arrive together in a benchmark and never
in a service. Here the gallery's own neighbourhoods are computed once and a query sees only them.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class GalleryGraph:
    """What is known of the gallery before any query comes. G items, k1 and k2 neighbours."""

    similarity: Floats
    """[G, G]"""
    reach: Floats
    """[G], similarity of each item's k1-th neighbour: what is nearer counts it as a neighbour."""
    encoding: Floats
    """[G, G], each item's expanded neighbourhood as weights that sum to 1."""
    k1: int
    k2: int
    blend: float

    @classmethod
    def build(cls, gallery: Floats, *, k1: int = 20, k2: int = 6, blend: float = 0.3) -> Self:
        """From unit vectors [G, D]; `blend` is the share of the original distance."""
        G = len(gallery)
        k1, k2 = min(k1, G - 1), min(k2, G)
        product = gallery @ gallery.T
        # Rounding differs between the halves, and an item must reach its own k1-th neighbour.
        similarity = np.maximum(product, product.T)
        order = np.argsort(-similarity, axis=1, kind="stable")[:, : k1 + 1]
        reach = np.take_along_axis(similarity, order[:, -1:], 1)[:, 0]
        graph = cls(similarity, reach, np.zeros((G, G), np.float32), k1, k2, blend)
        own = np.stack([graph._encode(similarity[g], reach[g]) for g in range(G)])
        mixed = np.stack([own[order[g, :k2]].mean(0) for g in range(G)])
        return cls(similarity, reach, mixed, k1, k2, blend)

    def rerank(self, similarity: Floats) -> Floats:
        """Similarities of one query [G] -> scores [G] to rank by (larger is nearer)."""
        order = np.argsort(-similarity, kind="stable")
        own = self._encode(similarity, similarity[order[self.k1 - 1]])
        # Query expansion: the query and its k2 - 1 nearest, in the place of the query itself.
        expanded = (own + self.encoding[order[: self.k2 - 1]].sum(0)) / self.k2
        least = np.minimum(self.encoding, expanded).sum(1)
        jaccard = 1 - least / np.maximum(self.encoding, expanded).sum(1)
        distance = (1 - self.blend) * jaccard + self.blend * (1 - similarity)
        return -np.asarray(distance, np.float32)

    def _encode(self, similarity: Floats, reach: np.float32) -> Floats:
        """Gaussian weights over the expanded reciprocal neighbours of an item: [G], sum 1."""
        mutual = self._reciprocal(similarity, reach, self.reach)
        members = mutual.copy()
        for g in np.flatnonzero(mutual):
            theirs = self._half(int(g))
            if (mutual & theirs).sum() > 2 / 3 * theirs.sum():
                members |= theirs
        if not members.any():
            members[np.argmax(similarity)] = True
        # Squared Euclidean distance of unit vectors.
        weights = np.where(members, np.exp(2 * similarity - 2), 0)
        return np.asarray(weights / weights.sum(), np.float32)

    def _half(self, g: int) -> NDArray[np.bool_]:
        """Reciprocal neighbours of gallery item g among half as many."""
        half = max(1, self.k1 // 2)
        row = self.similarity[g]
        near = np.flatnonzero(row >= np.partition(row, -half - 1)[-half - 1])
        members = np.zeros(len(row), np.bool_)
        for other in near:
            reach = np.partition(self.similarity[other], -half - 1)[-half - 1]
            members[other] = row[other] >= reach
        return members

    @staticmethod
    def _reciprocal(similarity: Floats, mine: np.float32, theirs: Floats) -> NDArray[np.bool_]:
        """Who is near to it and counts it as near."""
        return (similarity >= mine) & (similarity >= theirs)
