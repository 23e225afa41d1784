"""Neighbour lists stay those of a computation from scratch, whatever happens to the vectors."""

import random
import threading
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from indexer import graph, view
from indexer.gallery import LocalGallery
from indexer.neighbours import LENGTH
from indexer.records import Search, TrackletPatch
from indexer.vectors import exact_cosines
from model.errors import RerankUnavailable
from tests.support.cameras import open_auto, seen, walk
from tests.support.galleries import MODEL

CAMERAS = ("door", "gate", "yard", None)


def ask(gallery: LocalGallery, person: int = 0) -> None:
    gallery.search(seen(person, "door", 1), MODEL, Search(rerank=True), actor="test")


def assert_from_scratch(gallery: LocalGallery) -> None:
    """The lists that re-ranking reads, against all cosines of the vectors compared."""
    ask(gallery)
    own = gallery._view
    lists, columns = own.graph.complete(), own._columns
    assert lists is not None
    places = np.flatnonzero(columns.alive)
    near, scores = lists.read(places)
    for place, found, cosines in zip(places.tolist(), near, scores, strict=True):
        others = places[places != place]
        right = exact_cosines(own._vectors, np.full(len(others), place), others)
        order = np.lexsort((columns.seqs[others], -right))[:LENGTH]
        count = len(order)
        assert found[:count].tolist() == others[order].tolist()
        assert cosines[:count].tolist() == right[order].tolist()
        assert (found[count:] == -1).all()


class Histories:
    """Seeded changes of a gallery whose people look alike now and then."""

    def __init__(self, gallery: LocalGallery, seed: int) -> None:
        self.gallery = gallery
        self.random = random.Random(seed)
        self.there: list[str] = []
        self.take = 0

    def step(self) -> None:
        change = self.random.choice([self.enrol] * 4 + [self.move, self.erase, self.refresh])
        change()

    def enrol(self) -> None:
        self.take += 1
        # Every fourth is a copy: cosines that are equal to the bit are the hard case.
        take = 0 if self.take % 4 == 0 else self.take
        news = []
        for _ in range(self.random.randint(1, 6)):
            self.take += 1
            person, camera = self.random.randint(0, 5), self.random.choice(CAMERAS)
            new = walk(person, camera, self.take)
            object.__setattr__(new, "embedding", seen(person, camera, take))
            news.append(new)
        done = self.gallery.enrol_many(news, actor="test")
        self.there += [one.tracklet.tracklet_id for one in done]

    def move(self) -> None:
        if self.there:
            name, camera = self.random.choice(self.there), self.random.choice(CAMERAS)
            self.gallery.patch(name, TrackletPatch(camera=camera), actor="test")

    def erase(self) -> None:
        if self.there:
            name = self.there.pop(self.random.randrange(len(self.there)))
            place = self.gallery._view._columns.place(self._seq(name))
            before = self.gallery._view.graph._lists
            epoch = None if before is None else before.epoch
            self.gallery.erase(name, actor="test")
            lists = self.gallery._view.graph._lists
            if lists is None:
                return
            assert np.isneginf(lists._scores[lists._near == -1]).all()
            if lists is before and lists.epoch == epoch and place is not None:
                assert place not in lists._near
                assert (lists._near[place] == -1).all()

    def refresh(self) -> None:
        self.gallery.refresh()

    def _seq(self, name: str) -> int:
        with self.gallery._store.reading() as connection:
            query = "SELECT seq FROM tracklets WHERE tracklet_id = ?"
            return int(connection.execute(query, (name,)).fetchone()[0])


@pytest.mark.parametrize("seed", range(4))
def test_any_history_leaves_the_lists_of_a_computation_from_scratch(
    folder: Path, seed: int
) -> None:
    with (
        open_auto(folder) as gallery,
        patch.object(view, "_LEAST_DEAD", 4),
        patch.object(view, "_DEAD_SHARE", 20),
        patch.object(graph, "_ROWS", 7),
        patch.object(graph, "_BLOCK", 16),
        patch.object(graph, "_INSERTS", 5),
        patch.object(graph, "POOL", 10),
    ):
        history = Histories(gallery, seed)
        for turn in range(60):
            history.step()
            if turn % 4 == 0:
                assert_from_scratch(gallery)
        assert len(history.there) > 60


def test_equal_vectors_are_ordered_by_their_rows(folder: Path) -> None:
    with open_auto(folder) as gallery:
        news = [walk(1, "door", take) for take in range(60)]
        for new in news:
            object.__setattr__(new, "embedding", seen(1, "door"))
        gallery.enrol_many(news, actor="test")
        assert_from_scratch(gallery)


def test_a_large_gallery_is_not_built_within_a_search(folder: Path) -> None:
    with open_auto(folder, rerank_pairs=30 * 30) as gallery:
        gallery.enrol_many([walk(n, "door") for n in range(30)], actor="test")
        ask(gallery)
        gallery.enrol_many([walk(n, "gate") for n in range(40)], actor="test")
        with pytest.raises(RerankUnavailable, match="being built"):
            ask(gallery)
        assert gallery.search(seen(0, None), MODEL, Search(), actor="test").identities
        while gallery.tend_graph(0.01):
            pass
        assert_from_scratch(gallery)
        assert gallery.graph_bytes > 0


def test_nothing_is_kept_before_anybody_asks(folder: Path) -> None:
    with open_auto(folder) as gallery:
        gallery.enrol_many([walk(n, "door") for n in range(30)], actor="test")
        assert not gallery.tend_graph(1)
        assert gallery.graph_bytes == 0


@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("before", ["_products", "_insert", "_put"])
def test_takes_in_what_is_changed_while_it_is_computed(
    folder: Path, before: str, seed: int
) -> None:
    """Enrolments, moves and erasures go on in other threads before any step of a computation."""
    with (
        open_auto(folder) as gallery,
        patch.object(graph, "_BLOCK", 8),
        patch.object(graph, "_ROWS", 16),
    ):
        history = Histories(gallery, seed)
        for _ in range(12):
            history.enrol()
        gallery.refresh()
        own = gallery._view.graph
        original, changes = getattr(own, before), iter(range(20))

        def interrupted(*arguments: object) -> object:
            if next(changes, None) is not None:
                change = history.random.choice([history.enrol, history.move, history.erase])
                thread = threading.Thread(target=change)
                thread.start()
                thread.join()
            return original(*arguments)

        with patch.object(own, before, interrupted):
            own.want()
            own.work(float("inf"))
            for _ in range(10):
                history.move()
                history.enrol()
                own.work(float("inf"))
        assert next(changes, None) is None
        assert_from_scratch(gallery)
