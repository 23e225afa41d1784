"""Keeps a view's neighbour lists in step with it, in short steps beside searches and enrolments.

Nothing is computed before somebody asks for re-ranking. Then lists are computed in batches: blocks
of vectors are copied under the view's lock for reading, products are made without any lock, and
what was found is put in under the lock for writing, unless it was changed meanwhile. So neither a
search nor an enrolment waits for more than a few milliseconds.

Lists belong to one generation of vectors; whoever exchanges these begins anew.
"""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer.columns import Columns
from indexer.lock import SharedLock
from indexer.neighbours import POOL, Floats, Neighbours, Pool, Positions, belong
from indexer.vectors import Vectors, exact_cosines

_ROWS: Final = 256
_BLOCK: Final = 4096
_EXACT: Final = 1024
_INSERTS: Final = 512
"""At most so many entries are put into lists in one go."""
_WIDENING: Final = 8


class _Moved(Exception):
    """What was being computed is about vectors that are no longer there."""


@dataclass(frozen=True)
class _Batch:
    """Positions whose lists are computed, and their vectors [R, D]."""

    lists: Neighbours
    epoch: int
    positions: Positions
    vectors: Floats
    are_late: bool


@dataclass(frozen=True)
class _Entries:
    """Vectors that belong into lists of others: [n] each."""

    lists: Positions
    new: Positions
    scores: Floats


class Graph:
    """Of one view. What the view calls is called under its lock for writing."""

    def __init__(
        self, lock: SharedLock, columns: Callable[[], Columns], vectors: Callable[[], Vectors]
    ) -> None:
        self._lock = lock
        self._columns = columns
        self._vectors = vectors
        self._lists: Neighbours | None = None
        self._touched: set[int] = set()
        self._computing = threading.Lock()

    @property
    def is_wanted(self) -> bool:
        """Whether anybody has asked for re-ranking since the service began."""
        return self._lists is not None

    def want(self) -> None:
        """From now on lists are kept."""
        if self._lists is None:
            with self._lock.writing():
                self._lists = self._lists or Neighbours(len(self._columns()))

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the lists take."""
        return 0 if self._lists is None else self._lists.nbytes

    def changed(self, positions: Iterable[int]) -> None:
        """Vectors were added, or others lie at these positions."""
        if self._lists is None:
            return
        there = [place for place in positions if place < len(self._lists)]
        self._lists.change(there)
        self._lists.grow(len(self._columns()))
        self._touched.update(there)

    def removed(self, positions: Iterable[int]) -> None:
        """Vectors are gone; from now on nothing here tells anything about them."""
        if self._lists is not None:
            gone = list(positions)
            self._lists.remove(gone)
            self._touched.update(gone)

    def keep(self, positions: Positions) -> None:
        """The view has dropped all other positions."""
        if self._lists is not None:
            self._lists.keep(positions)

    def begin_anew(self) -> None:
        """All vectors are others."""
        if self._lists is not None:
            self._lists = Neighbours(len(self._columns()))

    def complete(self) -> Neighbours | None:
        """The lists where they hold everything. The caller holds the view's lock for reading."""
        lists = self._lists
        if lists is None or lists.late or len(lists.missing(self._columns().alive)):
            return None
        return lists

    def work_left(self) -> int:
        """Pairs of vectors that have to be compared until everything is there."""
        with self._lock.reading():
            columns, lists = self._columns(), self._lists
            if lists is None:
                return len(columns) ** 2
            missing = np.union1d(lists.missing(columns.alive), np.array(lists.late, np.int64))
            return len(missing) * len(columns)

    def work(self, seconds: float) -> bool:
        """Compute lists for about so long (infinite: until all are there); whether any is left.

        Waits for whoever is computing them already.
        """
        end = time.monotonic() + seconds
        self.want()
        with self._computing:
            while self._step():
                if time.monotonic() >= end:
                    return self.work_left() > 0
        return False

    def _step(self) -> bool:
        """Compute one batch; False where nothing is left to do."""
        batch = self._next()
        if batch is None:
            return False
        with suppress(_Moved):  # the next batch is about what is there now
            self._compute(batch, POOL)
        return True

    def _next(self) -> _Batch | None:
        with self._lock.reading():
            lists, columns = self._lists, self._columns()
            assert lists is not None
            alive = columns.alive
            late = np.array([place for place in lists.late if alive[place]][:_ROWS], np.int64)
            positions = late if len(late) else lists.missing(alive)[:_ROWS]
            if not len(positions):
                return None
            self._touched = set()
            vectors = self._vectors().read(positions).astype(np.float32)
            return _Batch(lists, lists.epoch, positions, vectors, bool(len(late)))

    def _compute(self, batch: _Batch, most: int) -> None:
        """Find the lists of a batch, and whose lists its vectors belong into if they are late."""
        pool, found = Pool.empty(most), []
        with self._lock.reading():
            stop = len(batch.lists)
        for start in range(0, stop, _BLOCK):
            products, bounds = self._products(batch, start, min(start + _BLOCK, stop))
            pool = pool.joined(products, start)
            if batch.are_late:
                row, column = belong(products, bounds)
                found.append((batch.positions[row], column + start))
        exact = self._exact(batch)
        seqs = self._seqs(batch)
        near = pool.lists(batch.positions, exact, seqs)
        if batch.are_late:
            new, into = (np.concatenate(part) for part in zip(*found, strict=True))
            self._insert(batch, _Entries(into, new, exact(new, into)))
        short = self._put(batch, near)
        if len(short) and most < stop:
            rows = np.flatnonzero(np.isin(batch.positions, short))
            fewer = _Batch(batch.lists, batch.epoch, short, batch.vectors[rows], are_late=False)
            self._compute(fewer, most * _WIDENING)

    def _products(self, batch: _Batch, start: int, stop: int) -> tuple[Floats, Floats]:
        """Rounded cosines [R, C] with a block of positions, and from where on their lists take."""
        with self._lock.reading():
            self._check(batch)
            block = self._vectors().read(np.arange(start, stop))
            dead = ~self._columns().alive[start:stop]
            bounds = batch.lists.bounds(start, stop)
        products = batch.vectors @ block.astype(np.float32).T
        products[:, dead] = -np.inf
        own = np.flatnonzero((batch.positions >= start) & (batch.positions < stop))
        products[own, batch.positions[own] - start] = -np.inf
        return products, bounds

    def _exact(self, batch: _Batch) -> Callable[[Positions, Positions], Floats]:
        def cosines(left: Positions, right: Positions) -> Floats:
            parts = [np.empty(0, np.float32)]
            for start in range(0, len(left), _EXACT):
                part = slice(start, start + _EXACT)
                with self._lock.reading():
                    self._check(batch)
                    parts.append(exact_cosines(self._vectors(), left[part], right[part]))
            return np.concatenate(parts)

        return cosines

    def _seqs(self, batch: _Batch) -> NDArray[np.int64]:
        with self._lock.reading():
            self._check(batch)
            return self._columns().seqs.copy()

    def _insert(self, batch: _Batch, entries: _Entries) -> None:
        """Put late vectors into the lists of others; they are in step afterwards."""
        for start in range(0, max(len(entries.new), 1), _INSERTS):
            part = slice(start, start + _INSERTS)
            with self._lock.writing():
                self._check(batch)
                seqs = self._columns().seqs
                told = zip(
                    entries.lists[part].tolist(),
                    entries.new[part].tolist(),
                    entries.scores[part],
                    strict=True,
                )
                for place, new, score in told:
                    if place not in self._touched and new not in self._touched:
                        batch.lists.insert(place, new, score, seqs)
                if part.stop >= len(entries.new):
                    batch.lists.in_step(
                        [p for p in batch.positions.tolist() if p not in self._touched]
                    )

    def _put(self, batch: _Batch, found: list[tuple[Positions, Floats]]) -> Positions:
        """Keep the lists that were found; returns the positions whose lists are too short yet."""
        with self._lock.writing():
            self._check(batch)
            touched = np.array(sorted(self._touched), np.int64)
            for place, (near, scores) in zip(batch.positions.tolist(), found, strict=True):
                if place not in self._touched:
                    stays = ~np.isin(near, touched)
                    batch.lists.put(place, near[stays], scores[stays])
            missing = batch.lists.missing(self._columns().alive)
            return np.setdiff1d(np.intersect1d(batch.positions, missing), touched)

    def _check(self, batch: _Batch) -> None:
        if self._lists is not batch.lists or batch.lists.epoch != batch.epoch:
            raise _Moved
