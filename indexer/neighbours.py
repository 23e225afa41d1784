"""The nearest neighbours of every vector in a view, kept exactly while vectors come, move and go.

A list is computed once, from blocks of products, and then kept: a new vector is put into every list
that it belongs to, one that goes is taken out, and its place closes up. Lists are longer than what
re-ranking reads, so that a few can go before a list has to be computed anew. Order is by exact
cosine, then by row number: what is read is the same whatever happened before, bit for bit what a
computation from scratch gives.

A position is the place of a vector in the view. Nothing here locks; `indexer.graph` does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer.vectors import Mask

LENGTH: Final = 8
"""Neighbours in a list that are read; fewer only where there are no more vectors."""

_KEPT: Final = 16
POOL: Final = 24
"""How many of the nearest by rounded products are looked at exactly, at first."""
_ROUNDING: Final = 2e-5
"""Of a float32 product of two unit vectors, generously."""
_UNKNOWN: Final = -1
_NOBODY: Final = -1

Floats = NDArray[np.float32]
Positions = NDArray[np.int64]
Exact = Callable[[Positions, Positions], Floats]
"""Cosines [n] of pairs of positions [n] each, the same bits for (a, b) and (b, a)."""


class Neighbours:
    """Lists by position; P positions."""

    def __init__(self, positions: int) -> None:
        self._near = np.full((positions, _KEPT), _NOBODY, np.int32)
        self._scores = np.full((positions, _KEPT), -np.inf, np.float32)
        self._known = np.full(positions, _UNKNOWN, np.int32)
        self._late: set[int] = set()
        self.epoch = 0
        """Changes whenever positions change their meaning."""

    def __len__(self) -> int:
        return len(self._known)

    @property
    def nbytes(self) -> int:
        return self._near.nbytes + self._scores.nbytes + self._known.nbytes

    @property
    def late(self) -> list[int]:
        """Positions whose vectors are newer than the lists of the others, in order."""
        return sorted(self._late)

    def missing(self, alive: Mask) -> Positions:
        """Positions [n] without a list that is long enough."""
        enough = min(LENGTH, int(np.count_nonzero(alive)) - 1)
        return np.flatnonzero(alive & (self._known < enough))

    def read(self, positions: Positions) -> tuple[Positions, Floats]:
        """Neighbours and their cosines, [n, `LENGTH`] each, best first.

        Positions -1 with cosines of minus infinity fill lists up where there are no more vectors.
        """
        return self._near[positions, :LENGTH].astype(np.int64), self._scores[positions, :LENGTH]

    def grow(self, positions: int) -> None:
        """There are so many positions from now on; the new ones are late."""
        more = positions - len(self)
        if more <= 0:
            return
        self._late.update(range(len(self), positions))
        self._near = np.concatenate([self._near, np.full((more, _KEPT), _NOBODY, np.int32)])
        self._scores = np.concatenate([self._scores, np.full((more, _KEPT), -np.inf, np.float32)])
        self._known = np.concatenate([self._known, np.full(more, _UNKNOWN, np.int32)])

    def change(self, positions: Sequence[int]) -> None:
        """The vectors there are others now."""
        self._take_out(positions)
        self._late.update(positions)

    def remove(self, positions: Sequence[int]) -> None:
        """The vectors there are gone, and no list may name them or hold a cosine with them."""
        self._take_out(positions)
        self._late.difference_update(positions)

    def keep(self, positions: Positions) -> None:
        """Drop all others, which are gone already; what stays moves up in the order given."""
        moved = np.full(len(self) + 1, _NOBODY, np.int32)
        moved[positions] = np.arange(len(positions), dtype=np.int32)
        self._near = moved[self._near[positions]]
        self._scores, self._known = self._scores[positions], self._known[positions]
        self._late = {int(moved[place]) for place in self._late}
        self.epoch += 1

    def in_step(self, positions: Sequence[int]) -> None:
        """The lists of the others know what is at these positions."""
        self._late.difference_update(positions)

    def bounds(self, start: int, stop: int) -> Floats:
        """For each position of a range: the cosine from which a vector belongs into its list.

        Infinite where there is no list.
        """
        known = self._known[start:stop]
        last = self._scores[start:stop][np.arange(stop - start), np.maximum(known - 1, 0)]
        return np.where(known > 0, last, np.float32(np.inf)).astype(np.float32)

    def put(self, position: int, near: Positions, scores: Floats) -> None:
        """The list of a position: its nearest neighbours without a gap, best first."""
        count = min(len(near), _KEPT)
        self._near[position] = _NOBODY
        self._scores[position] = -np.inf
        self._near[position, :count] = near[:count]
        self._scores[position, :count] = scores[:count]
        self._known[position] = count

    def insert(self, position: int, new: int, score: np.float32, seqs: NDArray[np.int64]) -> None:
        """Put one more vector into a list, if it belongs there."""
        count = int(self._known[position])
        near, scores = self._near[position], self._scores[position]
        if count <= 0 or new in near[:count]:
            return
        before = np.count_nonzero(scores[:count] > score) + np.count_nonzero(
            (scores[:count] == score) & (seqs[near[:count]] < seqs[new])
        )
        if before == count:
            return  # behind the last that is known nothing can be said
        end = min(count + 1, _KEPT)
        near[before + 1 : end] = near[before : end - 1].copy()
        scores[before + 1 : end] = scores[before : end - 1].copy()
        near[before], scores[before] = new, score
        self._known[position] = end

    def _take_out(self, positions: Sequence[int]) -> None:
        here = [place for place in positions if place < len(self)]
        if not here:
            return
        self._near[here] = _NOBODY
        self._scores[here] = -np.inf
        self._known[here] = _UNKNOWN
        gone = np.zeros(len(self) + 1, bool)
        gone[here] = True
        named = gone[self._near]  # -1 reads the last entry, which stays False
        rows = np.flatnonzero(named.any(axis=1))
        stays = ~named[rows] & (self._near[rows] != _NOBODY)
        order = np.argsort(~stays, axis=1, kind="stable")
        count = stays.sum(axis=1)
        empty = np.arange(_KEPT) >= count[:, None]
        near = np.take_along_axis(self._near[rows], order, axis=1)
        scores = np.take_along_axis(self._scores[rows], order, axis=1)
        self._near[rows] = np.where(empty, _NOBODY, near)
        self._scores[rows] = np.where(empty, np.float32(-np.inf), scores)
        self._known[rows] = count


@dataclass(frozen=True)
class Pool:
    """The vectors nearest to R positions as far as blocks of them have been looked at."""

    rows: NDArray[np.int64]
    """[n], which of the R; sorted, best first within each."""
    places: Positions
    """[n], positions."""
    scores: Floats
    """[n], rounded products."""
    most: int
    """Of one row."""

    @classmethod
    def empty(cls, most: int) -> "Pool":
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32), most)

    def joined(self, products: Floats, start: int) -> "Pool":
        """With products [R, C] of the R positions with those from `start` on.

        Minus infinity marks what must not be named.
        """
        R, C = products.shape
        worst = np.full(R, -np.inf, np.float32)
        full = np.flatnonzero(np.bincount(self.rows, minlength=R) >= self.most)
        if self.most < C and len(full) < R:
            worst = np.partition(products, C - self.most, axis=1)[:, C - self.most]
        last = self.scores[np.searchsorted(self.rows, full, side="right") - 1]
        worst[full] = np.maximum(worst[full], last)
        row, column = np.nonzero((products >= worst[:, None]) & (products > -np.inf))
        rows = np.concatenate([self.rows, row])
        places = np.concatenate([self.places, column + start])
        scores = np.concatenate([self.scores, products[row, column]])
        order = np.lexsort((-scores, rows))
        rows, places, scores = rows[order], places[order], scores[order]
        rank = np.arange(len(rows)) - np.searchsorted(rows, rows, side="left")
        best = rank < self.most
        return Pool(rows[best], places[best], scores[best], self.most)

    def lists(
        self, positions: Positions, exact: Exact, seqs: NDArray[np.int64]
    ) -> list[tuple[Positions, Floats]]:
        """The neighbours of each of the R positions, best first, as far as they are certain."""
        cosines = exact(positions[self.rows], self.places)
        found = []
        for place in range(len(positions)):
            mine = slice(*np.searchsorted(self.rows, [place, place + 1]))
            near, scores = self.places[mine], cosines[mine]
            order = np.lexsort((seqs[near], -scores))
            if len(near) == self.most:
                # What was left out is at most this near.
                certain = scores[order] > self.scores[mine][-1] + np.float32(_ROUNDING)
                order = order[: np.count_nonzero(certain)]
            found.append((near[order], scores[order]))
        return found


def belong(products: Floats, bounds: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of R vectors may belong into which of C lists: products [R, C], bounds [C]."""
    row, column = np.nonzero(products >= bounds - np.float32(_ROUNDING))
    return row.astype(np.int64), column.astype(np.int64)
