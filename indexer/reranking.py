"""k-reciprocal re-ranking of one query (Zhong et al. 2017), on the gallery's own neighbour lists.

Two tracklets that have each other among their nearest neighbours are likelier the same person than
a high cosine in one direction tells. Every tracklet is described by its reciprocal neighbours, the
query likewise, and the order is by how much the two descriptions overlap, blended with the cosine.
A query sees the gallery's neighbourhoods and never those of other queries, so that an answer does
not depend on who else asks.

The `CANDIDATES` nearest that pass the filter are re-ranked; all others follow in the order of their
cosines, as anything without a common neighbour would.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer.neighbours import Floats, Neighbours, Positions

CANDIDATES: Final = 100
"""Nearest tracklets that are re-ranked."""
K1: Final = 8
"""Neighbours within which two tracklets have to name each other."""
K2: Final = 3
"""Nearest descriptions that are averaged, the own one included."""
BLEND: Final = 0.7
"""Share of the cosine's own distance in the new one."""

_HALF: Final = K1 // 2
_OVERLAP: Final = 2 / 3
_DECIMALS: Final = 6
"""Differences below this are rounding, and leave the order to the cosine."""
_SHORT: Final = 1e-4

Cosines = Callable[[Positions, Positions], Floats]
"""Cosines [n] of pairs of positions, [n] each."""


@dataclass(frozen=True)
class Strangeness:
    """How little tracklets have in common with a query, by their neighbours."""

    of: Mapping[int, float]
    """By position, 0 to 1, of the nearest tracklets; of all others it is 1."""
    reach: float
    """1 - cosine of the farthest of these: the measure of distances here. Some models press all
    cosines together near 1."""

    def distance(self, positions: Iterable[int], score: float) -> float:
        """What an identity with these tracklets and that score ranks by, smaller first."""
        least = min(self.of.get(position, 1.0) for position in positions)
        far = (1 - score) / max(self.reach, _SHORT)
        return round((1 - BLEND) * least + BLEND * far, _DECIMALS)


@dataclass(frozen=True)
class Nearest:
    """The query's nearest tracklets of the whole gallery, best first: [k] each, k <= K1."""

    positions: Positions
    scores: Floats


def strangeness(
    lists: Neighbours,
    cosines: Cosines,
    nearest: Nearest,
    toward: Callable[[Positions], Floats],
    candidates: Positions,
) -> NDArray[np.float64]:
    """How little each candidate's neighbours are the query's, 0 to 1 (Jaccard distance): [C].

    `toward` gives the query's cosines with positions.
    """
    if not len(candidates):
        return np.empty(0)
    around = np.concatenate([candidates, nearest.positions[: K2 - 1]])
    mixing = np.column_stack([around, lists.read(around)[0][:, : K2 - 1]])
    described = np.unique(mixing[mixing >= 0])
    world = _World(lists, np.concatenate([described, nearest.positions]))
    own = world.describe(described, cosines)
    place = np.searchsorted(described, mixing)
    weight = (mixing >= 0).astype(np.float32)
    place[mixing < 0] = 0
    mixed = np.einsum("ck,cku->cu", weight, own[place]) / weight.sum(axis=1, keepdims=True)
    asked = world.describe_query(nearest, toward)
    helpers = mixed[len(candidates) :]
    expanded = (asked + helpers.sum(axis=0)) / (1 + len(helpers))
    theirs = mixed[: len(candidates)]
    common = np.minimum(theirs, expanded).sum(axis=1, dtype=np.float64)
    either = np.maximum(theirs, expanded).sum(axis=1, dtype=np.float64)
    return np.asarray(1 - common / either)


class _World:
    """The neighbourhoods that one query needs, over U positions that they name."""

    def __init__(self, lists: Neighbours, base: Positions) -> None:
        self._lists = lists
        base = np.unique(base)
        first = lists.read(base)[0]
        self._known = np.unique(np.concatenate([base, first[first >= 0]]))
        self._near, self._scores = lists.read(self._known)
        second = self._near[:, :_HALF]
        self.members = np.unique(np.concatenate([self._known, second[second >= 0]]))
        reach = lists.read(self.members)[1]
        self._reach, self._half_reach = reach[:, K1 - 1], reach[:, _HALF - 1]
        self._halves = self._half_sets()

    def _place(self, positions: Positions) -> NDArray[np.int64]:
        """Places among the members; len(members) for nobody."""
        place = np.searchsorted(self.members, positions)
        return np.where(positions >= 0, place, len(self.members))

    def _half_sets(self) -> NDArray[np.int64]:
        """Of each known position, itself and its reciprocal neighbours among half as many.

        Places [n, 1 + HALF]; len(members) fills up.
        """
        near, scores = self._near[:, :_HALF], self._scores[:, :_HALF]
        place = self._place(near)
        reach = np.append(self._half_reach, np.float32(np.inf))[place]
        place = np.where(scores >= reach, place, len(self.members))
        return np.column_stack([self._place(self._known), place])

    def _expanded(self, first: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Reciprocal neighbours, places [n, k], and the half sets that overlap them: [n, U]."""
        n, U = len(first), len(self.members)
        sets = np.zeros((n, U + 1), bool)
        rows = np.arange(n)[:, None]
        sets[rows, first] = True
        sets[:, U] = False
        own = np.append(self.members, -1)[first]
        known = np.searchsorted(self._known, np.maximum(own, 0))
        halves = np.where((own >= 0)[:, :, None], self._halves[known], U)
        size = (halves < U).sum(axis=2)
        shared = sets[rows[:, :, None], halves].sum(axis=2)
        taken = halves[(shared > _OVERLAP * size) & (own >= 0)]
        whose = np.broadcast_to(rows, first.shape)[(shared > _OVERLAP * size) & (own >= 0)]
        sets[whose[:, None], taken] = True
        return sets[:, :U]

    def describe(self, positions: Positions, cosines: Cosines) -> Floats:
        """Weights that sum to 1 over the members, for each of n positions: [n, U]."""
        known = np.searchsorted(self._known, positions)
        near, scores = self._near[known], self._scores[known]
        place = self._place(near)
        reach = np.append(self._reach, np.float32(np.inf))[place]
        first = np.where(scores >= reach, place, len(self.members))
        sets = self._expanded(np.column_stack([self._place(positions), first]))
        row, column = np.nonzero(sets)
        return _weights(sets, cosines(positions[row], self.members[column]))

    def describe_query(self, nearest: Nearest, toward: Callable[[Positions], Floats]) -> Floats:
        """The same for the query: [U]."""
        place = self._place(nearest.positions)
        mutual = nearest.scores >= self._reach[place]
        first = place[mutual] if mutual.any() else place[:1]
        sets = self._expanded(first[None])
        weights: Floats = _weights(sets, toward(self.members[sets[0]]))[0]
        return weights


def _weights(sets: NDArray[np.bool_], cosines: Floats) -> Floats:
    """Gaussian weights of squared distances, normalised: sets [n, U], cosines of their members."""
    weights = np.zeros(sets.shape, np.float32)
    weights[sets] = np.exp(2 * cosines - 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
