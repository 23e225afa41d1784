"""The gallery as a search sees it: vectors, and beside each what filters and ranking need.

A view is made from the store, follows it by generation numbers, and is never trusted as data. It
may be behind for the moment between a commit and the next look; whoever reads rows by its answers
checks them again.

Its vectors belong to one generation of camera-normalised scoring. It goes over to another by
building all vectors beside those that serve and exchanging the two in one step; searches go on
meanwhile, and none ever sees vectors of both.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.changes import BATCH, Change, changed, removed
from indexer.columns import Columns
from indexer.graph import Graph
from indexer.lock import SharedLock
from indexer.normalisation import Normalisation
from indexer.ranking import UNLABELLED, Place, nearest_candidates, rank
from indexer.records import IdentityScoring, Search
from indexer.renewal import renewed
from indexer.reranking import CANDIDATES, K1, Strangeness, strangeness
from indexer.reranking import Nearest as NearestToQuery
from indexer.saved import SavedIndex, batches_from, load, save
from indexer.store import Store, generation
from indexer.templates import Templates
from indexer.vectors import Mask, Nearest, Vectors, exact_cosines, scores
from model.errors import RerankUnavailable

_log = logging.getLogger(__name__)

_LEAST_DEAD = 1024
_DEAD_SHARE = 4
_FEW_SHARE = 8
"""Up to this share of the vectors is changed where it lies; more are built beside."""


@dataclass(frozen=True)
class Found:
    """One place of a ranking: tracklets of one identity, or one without, best first."""

    identity: str | None
    score: float
    """The identity's."""
    compared: int
    """Tracklets of it that passed the filter."""
    hits: list[tuple[int, float]]
    """(number, score)."""


@dataclass(frozen=True)
class Look:
    """What a search found, and by which generation it compared."""

    found: list[Found]
    compared: int
    """Tracklets that passed the filter."""
    normalisation: Normalisation


class View:
    """Follows one store. Safe from any thread: searches share it, changes have it alone."""

    def __init__(self, make: Callable[[], Vectors], normalisation: Normalisation) -> None:
        """`make` gives empty vectors, once now and once for every generation to come."""
        self._make = make
        self._vectors = make()
        self._normalisation = normalisation
        self._columns = Columns()
        self._lock = SharedLock()
        self.graph = Graph(self._lock, lambda: self._columns, lambda: self._vectors)
        self._templates = Templates()
        self._following = threading.Lock()
        self._adopting = threading.Lock()
        self._touched: set[int] | None = None
        """Positions changed while vectors are built beside; None while none are."""
        self._counted = (-1, (0, 0))
        self.generation = -1
        """The last change of the store that is in here."""

    @property
    def device(self) -> str:
        return self._vectors.device

    @property
    def is_filled(self) -> bool:
        return self.generation >= 0

    @property
    def normalisation(self) -> Normalisation:
        """The generation of scoring that serves."""
        return self._normalisation

    def follow(self, store: Store) -> None:
        """Take in what the store has committed so far."""
        if store.generation() == self.generation:
            return
        with self._following:
            target, since = store.generation(), self.generation
            if target == since:
                return
            for batch in changed(store, since):
                cameras = [change.camera for change in batch.changes]
                vectors = self._normalisation.stored(batch.vectors, cameras)
                with self._lock.writing():
                    self._put(batch.changes, vectors)
            gone = removed(store, since)
            with self._lock.writing():
                self._remove(gone)
                self._compact()
                self.generation = target

    def refill(self, store: Store) -> None:
        """Forget everything and take it in again."""
        with self._adopting, self._following, self._lock.writing():
            self._vectors.keep(np.empty(0, np.int64))
            self._columns = Columns()
            self._begin_anew()
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
            if saved is not None and saved.scoring == self._normalisation.digest():
                self._start_from(saved, store)
        self.follow(store)

    def _start_from(self, saved: SavedIndex, store: Store) -> None:
        for batch in batches_from(saved, store):
            with self._lock.writing():
                self._put(batch.changes, batch.vectors)
        if len(self._columns) == len(saved.seqs):
            self.generation = saved.generation

    def save(self, store: Store) -> None:
        """Write the saved index, with the store held still."""
        with store.writing() as connection, self._lock.reading():
            if generation(connection) != self.generation:
                return
            places = np.flatnonzero(self._columns.alive)
            places = places[np.argsort(self._columns.seqs[places])]
            starts = range(0, len(places), BATCH)
            parts = (self._vectors.read(places[start : start + BATCH]) for start in starts)
            scoring = self._normalisation.digest()
            save(store, self.generation, scoring, self._columns.seqs[places], parts)

    def adopt(self, store: Store, new: Normalisation, patience: float = -1) -> bool:
        """Compare by another generation from now on.

        False where another change of generation took longer than `patience` seconds (-1: waits).
        """
        if not self._adopting.acquire(timeout=patience):
            return False
        try:
            if not self._adopt_few(store, new):
                self._adopt_all(store, new)
        finally:
            self._adopting.release()
        return True

    def _adopt_few(self, store: Store, new: Normalisation) -> bool:
        """Change vectors where they lie, if the cameras concerned have few of them."""
        with self._following:
            columns = self._columns
            numbers = np.unique(columns.cameras)
            names = columns.camera_names(numbers)
            other = [
                number
                for number, name in zip(numbers.tolist(), names, strict=True)
                if new.differs(self._normalisation, name)
            ]
            places = np.flatnonzero(np.isin(columns.cameras, other) & columns.alive)
            if len(places) * _FEW_SHARE > len(columns):
                return False
            vectors = self._renewed(store, places, new)
            with self._lock.writing():
                if len(places):
                    self._vectors.replace(places, vectors)
                self._normalisation = new
                self.graph.changed(places.tolist())
                self._templates.forget_all()
            return True

    def _adopt_all(self, store: Store, new: Normalisation) -> None:
        """Build all vectors beside those that serve, then exchange them."""
        with self._following:
            self._touched, built = set(), len(self._columns)
        fresh = self._make()
        try:
            for start in range(0, built, BATCH):
                fresh.add(self._renewed(store, np.arange(start, min(start + BATCH, built)), new))
            with self._following:
                late = np.arange(built, len(self._columns))
                if len(late):
                    fresh.add(self._renewed(store, late, new))
                again = np.array(sorted(place for place in self._touched if place < built), int)
                if len(again):
                    fresh.replace(again, self._renewed(store, again, new))
                with self._lock.writing():
                    self._vectors, fresh = fresh, self._vectors
                    self._normalisation = new
                    self._begin_anew()
        finally:
            self._touched = None
            fresh.close()

    def _renewed(
        self, store: Store, places: NDArray[np.int64], new: Normalisation
    ) -> NDArray[np.float16]:
        cameras = self._columns.camera_names(self._columns.cameras[places])
        return renewed(store, self._columns.seqs[places], cameras, new)

    def search(
        self,
        query: NDArray[np.float32],
        wanted: Search,
        exclude: int | None,
        identity: IdentityScoring = "best",
    ) -> Look:
        """The places of a ranking, best first.

        `query` is float32 [D] of unit length as the model gave it, `exclude` the number of a
        tracklet to leave out. Raises `RerankUnavailable` where the graph is not complete.
        """
        with self._lock.reading():
            normalisation = self._normalisation
            allowed = self._columns.allowed(wanted.filter, exclude)
            compared = len(self._columns) if allowed is None else int(np.count_nonzero(allowed))
            asked = normalisation.query(query, wanted.camera)
            strange = self._strange(asked, allowed) if wanted.rerank else None
            places = rank(self, asked, wanted, allowed, identity=identity, strange=strange)
            return Look([self._found(place) for place in places], compared, normalisation)

    def _strange(self, query: NDArray[np.float32], allowed: Mask | None) -> Strangeness:
        """How little the nearest tracklets have in common with the query."""
        lists = self.graph.complete()
        if lists is None:
            raise RerankUnavailable("the gallery changes faster than its neighbour graph")
        candidates = nearest_candidates(self, query, allowed, CANDIDATES)
        near = candidates
        if allowed is not None:
            near = nearest_candidates(self, query, self._columns.alive, K1)
        positions = np.array([one.position for one in candidates], np.int64)
        strange = strangeness(
            lists,
            lambda left, right: exact_cosines(self._vectors, left, right),
            NearestToQuery(
                np.array([one.position for one in near[:K1]], np.int64),
                np.array([one.score for one in near[:K1]], np.float32),
            ),
            lambda some: scores(self._vectors, query, some),
            positions,
        )
        by_position = dict(zip(positions.tolist(), strange.tolist(), strict=True))
        return Strangeness(by_position, 1 - candidates[-1].score if candidates else 1.0)

    def _found(self, place: Place) -> Found:
        numbers = self._columns.seqs[[one.position for one in place.hits]].tolist()
        scores = [one.score for one in place.hits]
        identity = self._columns.identity(place.hits[0].label)
        hits = list(zip(numbers, scores, strict=True))
        return Found(identity, place.score, place.compared, hits)

    def counts(self) -> tuple[int, int]:
        """Tracklets, and distinct identities among them."""
        generation, counts = self._counted
        if generation != self.generation:
            with self._lock.reading():
                generation, counts = self.generation, self._columns.counts()
            self._counted = generation, counts
        return counts

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Numbers of all tracklets that can be found."""
        with self._lock.reading():
            seqs: NDArray[np.int64] = self._columns.seqs[self._columns.alive]
        return seqs

    def agrees(self, seq: int, vector: NDArray[np.float16]) -> bool:
        """Whether a search compares with what a stored vector [D] ought to give.

        Also where it does not know the tracklet at all.
        """
        with self._lock.reading():
            place = self._columns.place(seq)
            if place is None:
                return True
            camera = self._columns.camera_names(self._columns.cameras[[place]])
            expected = self._normalisation.stored(vector[None], camera)
            return self._vectors.read(np.array([place])).tobytes() == expected.tobytes()

    @property
    def labels(self) -> NDArray[np.int32]:
        return self._columns.labels

    @property
    def cameras(self) -> NDArray[np.int32]:
        return self._columns.cameras

    @property
    def ids(self) -> Sequence[str]:
        return self._columns.ids

    def templates(self, members: Mapping[int, NDArray[np.int64]]) -> dict[int, NDArray[np.float32]]:
        labels = self._columns.labels
        whole = np.bincount(labels[labels != UNLABELLED], minlength=1)
        return self._templates.of(members, whole, self._vectors.read)

    def nearest(self, query: NDArray[np.float32], k: int, allowed: Mask | None) -> Nearest:
        return self._vectors.nearest(query, k, allowed)

    def scores(
        self, query: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        return scores(self._vectors, query, positions)

    def close(self) -> None:
        with self._adopting, self._following, self._lock.writing():
            self._vectors.close()

    def _put(self, changes: Sequence[Change], vectors: NDArray[np.float16]) -> None:
        """Vectors [n, D] as they are compared."""
        put = [self._columns.put(change) for change in changes]
        self._vectors.add(vectors[np.array([one.is_new for one in put], dtype=bool)])
        moved: list[int] = []
        if self._normalisation.is_active:
            changed = np.array([one.camera_changed for one in put], dtype=bool)
            moved = np.array([one.position for one in put], int)[changed].tolist()
            if moved:
                self._vectors.replace(np.array(moved), vectors[changed])
        self.graph.changed(moved)
        self._templates.forget(label for one in put for label in one.labels)
        self._touch(one.position for one in put if one.camera_changed)

    def _remove(self, seqs: Sequence[int]) -> None:
        places = [self._columns.place(seq) for seq in seqs]
        there = [place for place in places if place is not None]
        self._templates.forget(self._columns.labels[there].tolist())
        for seq, place in zip(seqs, places, strict=True):
            if place is not None:
                self._columns.remove(seq)
                self._vectors.blank(place)
        self.graph.removed(there)
        self._touch(there)

    def _begin_anew(self) -> None:
        """All vectors are others from now on."""
        self.graph.begin_anew()
        self._templates.forget_all()

    def _touch(self, places: Iterable[int]) -> None:
        if self._touched is not None:
            self._touched.update(places)

    def _compact(self) -> None:
        dead = self._columns.dead
        if self._touched is not None or dead < _LEAST_DEAD:
            return
        if dead * _DEAD_SHARE >= len(self._columns):
            stay = np.flatnonzero(self._columns.alive)
            self._vectors.keep(stay)
            self._columns.keep(stay)
            self.graph.keep(stay)
