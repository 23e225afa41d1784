"""The gallery as a search sees it: vectors, and beside each what filters and ranking need.

A view is made from the store, follows it by generation numbers, and is never trusted as data. It
may be behind for the moment between a commit and the next look; whoever reads rows by its answers
checks them again.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.changes import BATCH, Batch, changed, removed
from indexer.lock import SharedLock
from indexer.ranking import UNLABELLED, Candidate, rank
from indexer.records import Filter, Search
from indexer.rows import micros_of
from indexer.saved import SavedIndex, batches_from, load, save
from indexer.store import Store, generation
from indexer.vectors import Mask, Nearest, Vectors, scores

_log = logging.getLogger(__name__)

_NO_TIME = np.iinfo(np.int64).min
_COLUMNS = np.dtype(
    [
        ("seq", np.int64),
        ("captured_at", np.int64),
        ("label", np.int32),
        ("camera", np.int32),
        ("alive", np.bool_),
    ],
    align=True,
)
_LEAST_DEAD = 1024
_DEAD_SHARE = 4


class Names:
    """Numbers for names, in the order of first use."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []

    def number(self, name: str | None) -> int:
        """-1 for no name."""
        if name is None:
            return -1
        if name not in self._numbers:
            self._numbers[name] = len(self._names)
            self._names.append(name)
        return self._numbers[name]

    def name(self, number: int) -> str | None:
        return None if number < 0 else self._names[number]

    def known(self, names: frozenset[str]) -> list[int]:
        return [self._numbers[name] for name in names if name in self._numbers]


@dataclass(frozen=True)
class Found:
    """One place of a ranking: tracklets of one identity, or one without, best first."""

    identity: str | None
    hits: list[tuple[int, float]]
    """(number, score)."""


class View:
    """Follows one store. Safe from any thread: searches share it, changes have it alone."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self._rows = np.zeros(0, _COLUMNS)
        self._ids: list[str] = []
        self._places: dict[int, int] = {}
        self._identities, self._cameras = Names(), Names()
        self._lock = SharedLock()
        self._following = threading.Lock()
        self._counted = (-1, (0, 0))
        self.generation = -1
        """The last change of the store that is in here."""

    @property
    def device(self) -> str:
        return self._vectors.device

    @property
    def is_filled(self) -> bool:
        return self.generation >= 0

    def follow(self, store: Store) -> None:
        """Take in what the store has committed so far."""
        if store.generation() == self.generation:
            return
        with self._following:
            target, since = store.generation(), self.generation
            if target == since:
                return
            for batch in changed(store, since):
                with self._lock.writing():
                    self._put(batch)
            gone = removed(store, since)
            with self._lock.writing():
                for seq in gone:
                    self._remove(seq)
                self._compact()
                self.generation = target

    def refill(self, store: Store) -> None:
        """Forget everything and take it in again."""
        with self._following, self._lock.writing():
            self._vectors.keep(np.empty(0, np.int64))
            self._rows, self._ids, self._places = self._rows[:0], [], {}
            self.generation = -1
        self.follow(store)

    def fill(self, store: Store) -> None:
        """Take everything in, from the saved index as far as there is one that fits."""
        if not self.is_filled:
            try:
                saved = load(store.file.parent)
            except ValueError as error:
                _log.warning("the saved index is not used: %s", error)
                saved = None
            if saved is not None:
                self._start_from(saved, store)
        self.follow(store)

    def _start_from(self, saved: SavedIndex, store: Store) -> None:
        for batch in batches_from(saved, store):
            with self._lock.writing():
                self._put(batch)
        if len(self._ids) == len(saved.seqs):
            self.generation = saved.generation

    def save(self, store: Store) -> None:
        """Write the saved index, with the store held still."""
        with store.writing() as connection, self._lock.reading():
            if generation(connection) != self.generation:
                return
            places = np.flatnonzero(self._alive)
            places = places[np.argsort(self._rows["seq"][places])]
            starts = range(0, len(places), BATCH)
            parts = (self._vectors.read(places[start : start + BATCH]) for start in starts)
            save(store, self.generation, self._rows["seq"][places], parts)

    def search(
        self, query: NDArray[np.float32], wanted: Search, exclude: int | None
    ) -> tuple[list[Found], int]:
        """What was found, best first, and how many tracklets were compared.

        `query` is float32 [D] of unit length, `exclude` the number of a tracklet to leave out.
        """
        with self._lock.reading():
            allowed = self._allowed(wanted.filter, exclude)
            compared = len(self._ids) if allowed is None else int(np.count_nonzero(allowed))
            groups = rank(self, query, wanted, allowed)
            return [self._found(group) for group in groups], compared

    def _found(self, group: list[Candidate]) -> Found:
        numbers = self._rows["seq"][[one.position for one in group]].tolist()
        scores = [one.score for one in group]
        return Found(self._identities.name(group[0].label), list(zip(numbers, scores, strict=True)))

    def counts(self) -> tuple[int, int]:
        """Tracklets, and distinct identities among them."""
        generation, counts = self._counted
        if generation != self.generation:
            with self._lock.reading():
                generation, labels = self.generation, self.labels[self._alive]
                labelled = np.bincount(labels[labels != UNLABELLED])
                counts = len(labels), int(np.count_nonzero(labelled))
            self._counted = generation, counts
        return counts

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Numbers of all tracklets that can be found."""
        with self._lock.reading():
            seqs: NDArray[np.int64] = self._rows["seq"][: len(self._ids)][self._alive]
        return seqs

    def vector(self, seq: int) -> NDArray[np.float16] | None:
        """The bits that a search compares with, [D]; None for a tracklet that is not here."""
        with self._lock.reading():
            place = self._places.get(seq)
            return None if place is None else self._vectors.read(np.array([place]))[0]

    @property
    def labels(self) -> NDArray[np.int32]:
        labels: NDArray[np.int32] = self._rows["label"][: len(self._ids)]
        return labels

    @property
    def ids(self) -> Sequence[str]:
        return self._ids

    def nearest(self, query: NDArray[np.float32], k: int, allowed: Mask | None) -> Nearest:
        return self._vectors.nearest(query, k, allowed)

    def scores(
        self, query: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        return scores(self._vectors, query, positions)

    def close(self) -> None:
        with self._following, self._lock.writing():
            self._vectors.close()

    @property
    def _alive(self) -> Mask:
        alive: Mask = self._rows["alive"][: len(self._ids)]
        return alive

    def _allowed(self, wanted: Filter, exclude: int | None) -> Mask | None:
        """Which positions may be found; None for all."""
        if wanted.is_open and len(self._places) == len(self._ids):
            return None
        rows = self._rows[: len(self._ids)]
        allowed = rows["alive"].copy()
        if wanted.cameras:
            allowed &= np.isin(rows["camera"], self._cameras.known(wanted.cameras))
        if wanted.exclude_cameras:
            allowed &= ~np.isin(rows["camera"], self._cameras.known(wanted.exclude_cameras))
        if wanted.identity is not None:
            known = self._identities.known(frozenset([wanted.identity]))
            allowed &= np.isin(rows["label"], known)
        allowed &= _within(rows["captured_at"], wanted)
        if exclude is not None and exclude in self._places:
            allowed[self._places[exclude]] = False
        return allowed

    def _put(self, batch: Batch) -> None:
        new = [change.seq not in self._places for change in batch.changes]
        self._vectors.add(batch.vectors[np.array(new, dtype=bool)])
        for change, is_new in zip(batch.changes, new, strict=True):
            if is_new:
                self._places[change.seq] = len(self._ids)
                self._ids.append(change.tracklet_id)
        self._grow()
        for change in batch.changes:
            self._rows[self._places[change.seq]] = (
                change.seq,
                _NO_TIME if change.captured_at is None else change.captured_at,
                self._identities.number(change.identity),
                self._cameras.number(change.camera),
                True,
            )

    def _grow(self) -> None:
        if len(self._ids) > len(self._rows):
            larger = np.zeros(2 * len(self._ids), _COLUMNS)
            larger[: len(self._rows)] = self._rows
            self._rows = larger

    def _remove(self, seq: int) -> None:
        place = self._places.pop(seq, None)
        if place is not None:
            self._vectors.blank(place)
            self._ids[place] = ""
            self._rows[place] = (0, _NO_TIME, UNLABELLED, -1, False)

    def _compact(self) -> None:
        dead = len(self._ids) - len(self._places)
        if dead < _LEAST_DEAD or dead * _DEAD_SHARE < len(self._ids):
            return
        stay = np.flatnonzero(self._alive)
        self._vectors.keep(stay)
        self._rows = self._rows[stay]
        self._ids = [self._ids[place] for place in stay.tolist()]
        self._places = {seq: place for place, seq in enumerate(self._rows["seq"].tolist())}


def _within(captured_at: NDArray[np.int64], wanted: Filter) -> Mask | np.bool_:
    inside: Mask | np.bool_ = np.True_
    if wanted.captured_after is not None:
        inside = (captured_at >= micros_of(wanted.captured_after)) & (captured_at != _NO_TIME)
    if wanted.captured_before is not None:
        inside = inside & (captured_at < micros_of(wanted.captured_before))
        inside = inside & (captured_at != _NO_TIME)
    return inside
