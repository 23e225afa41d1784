"""Any order of enrolling, relabelling, merging, erasing and restarting keeps gallery and answers
true to what was asked for."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from indexer.records import Filter, Search, TrackletPatch
from model.errors import NotFound, TrackletExists
from tests.support.galleries import MODEL, holds, make_gallery, picture, tracklet, unit

NAMES = st.sampled_from(["Ann", "Bob", "Cid"])
IDS = st.integers(0, 12)


class Galleries(RuleBasedStateMachine):
    """One gallery behind two handles, beside a dictionary of what ought to be in it."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.folder = self.root / "gallery"
        self.handles = [make_gallery(self.folder), make_gallery(self.folder, save_index=True)]
        self.expected: dict[str, tuple[int, str | None]] = {}

    @rule(number=IDS, content=st.integers(0, 1), identity=st.none() | NAMES, at=st.integers(0, 1))
    def enrol(self, number: int, content: int, identity: str | None, at: int) -> None:
        name, seed = f"t{number}", 2 * number + content
        new = tracklet(name, seed, identity=identity, pictures=[picture(seed)])
        if name in self.expected and self.expected[name][0] != seed:
            with pytest.raises(TrackletExists):
                self.handles[at].enrol(new, actor="test")
            return
        created = self.handles[at].enrol(new, actor="test").created
        assert created == (name not in self.expected)
        self.expected.setdefault(name, (seed, identity))

    @rule(number=IDS, identity=st.none() | NAMES, at=st.integers(0, 1))
    def relabel(self, number: int, identity: str | None, at: int) -> None:
        name = f"t{number}"
        patch = TrackletPatch(identity=identity)
        if name not in self.expected:
            with pytest.raises(NotFound):
                self.handles[at].patch(name, patch, actor="test")
            return
        self.handles[at].patch(name, patch, actor="test")
        self.expected[name] = (self.expected[name][0], identity)

    @rule(source=NAMES, into=NAMES, undo=st.booleans())
    def merge(self, source: str, into: str, undo: bool) -> None:
        moved = [name for name, (_, label) in self.expected.items() if label == source]
        if source == into or not moved:
            return
        merge = self.handles[0].merge(source, into, actor="test")
        assert merge.moved == len(moved)
        if undo:
            assert self.handles[1].undo_merge(merge.merge_id, actor="test").moved == len(moved)
            return
        for name in moved:
            self.expected[name] = (self.expected[name][0], into)

    @rule(number=IDS, at=st.integers(0, 1))
    def erase(self, number: int, at: int) -> None:
        name = f"t{number}"
        if name not in self.expected:
            with pytest.raises(NotFound):
                self.handles[at].erase(name, actor="test")
            return
        assert self.handles[at].erase(name, actor="test").physical == "done"
        assert holds(self.folder, picture(self.expected.pop(name)[0])) == []

    @precondition(lambda self: self.expected)
    @rule(number=st.integers(0, 25), at=st.integers(0, 1))
    def search(self, number: int, at: int) -> None:
        wanted = Search(top_k=100, tracklets_per_identity=50)
        ranking = self.handles[at].search(unit(number), MODEL, wanted, actor="test")
        found = {
            hit.tracklet.tracklet_id: place.identity
            for place in ranking.identities
            for hit in place.tracklets
        }
        assert found == {name: label for name, (_, label) in self.expected.items()}
        best = max(float(np.dot(unit(number), unit(s))) for s, _ in self.expected.values())
        assert ranking.identities[0].score == pytest.approx(best, abs=2e-3)

    @rule(at=st.integers(0, 1))
    def restart(self, at: int) -> None:
        self.handles[at].close()
        self.handles[at] = make_gallery(self.folder, save_index=bool(at))

    @invariant()
    def holds_what_was_asked_for(self) -> None:
        for handle in self.handles:
            listed = handle.list(Filter(), limit=100, cursor=None).items
            assert {one.tracklet_id: one.identity for one in listed} == {
                name: label for name, (_, label) in self.expected.items()
            }

    def teardown(self) -> None:
        assert self.handles[0].verify().ok
        for handle in self.handles:
            handle.close()
        shutil.rmtree(self.root)


TestGalleries = Galleries.TestCase
TestGalleries.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
