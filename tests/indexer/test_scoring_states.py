"""Any order of enrolling, moving, relabelling, erasing, refreshing and restarting keeps the
statistics those of the rows, and every score the cosine that they give."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from indexer.camera_statistics import LEAST
from indexer.records import Search, TrackletPatch
from tests.support.cameras import (
    compared,
    frozen,
    open_auto,
    seen,
    statistics,
    sums_of,
    walk,
)
from tests.support.galleries import MODEL

CAMERAS = st.sampled_from(["door", "gate", "yard", None])
PEOPLE = st.integers(0, 19)
HANDLES = st.integers(0, 1)

Kept = dict[str, tuple[int, bytes, bytes]]


class Row:
    """A tracklet: who it shows, as which camera saw it, and where it is filed."""

    def __init__(self, person: int, made_by: str | None) -> None:
        self.embedding = seen(person, made_by)
        self.camera = made_by
        self.camera_then: str | None = None
        self.counted_then = False


def sums(rows: list[Row], camera_of: str) -> Kept:
    """From scratch."""
    cameras = {getattr(row, camera_of) for row in rows} - {None}
    members = {
        camera: [row.embedding for row in rows if getattr(row, camera_of) == camera]
        for camera in cameras
    }
    return {c: sums_of(some).to_bytes() for c, some in members.items() if len(some) >= LEAST}


class Scorings(RuleBasedStateMachine):
    """One gallery behind two handles, beside a dictionary of what ought to be in it."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.folder = self.root / "gallery"
        self.handles = [open_auto(self.folder), open_auto(self.folder, save_index=True)]
        self.rows: dict[str, Row] = {}
        self.frozen_at = 0

    @initialize(people=st.integers(0, 12))
    def begin(self, people: int) -> None:
        for camera in ("door", "gate"):
            for person in range(people):
                self.enrol(person, camera, 0)

    def watch_for_a_freeze(self) -> None:
        """Any handle may have frozen the sums, in opening or refreshing: all of now, then."""
        at = frozen(self.handles[0]).generation
        if at != self.frozen_at:
            self.frozen_at = at
            for row in self.rows.values():
                row.counted_then, row.camera_then = True, row.camera

    @rule(person=PEOPLE, camera=CAMERAS, at=HANDLES)
    def enrol(self, person: int, camera: str | None, at: int) -> None:
        new = walk(person, camera)
        assert new.tracklet_id is not None
        self.handles[at].enrol(new, actor="test")
        self.rows.setdefault(new.tracklet_id, Row(person, camera))

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), camera=CAMERAS, at=HANDLES)
    def move(self, data: st.DataObject, camera: str | None, at: int) -> None:
        name = data.draw(st.sampled_from(sorted(self.rows)))
        self.handles[at].patch(name, TrackletPatch(camera=camera), actor="test")
        self.rows[name].camera = camera

    @rule(source=CAMERAS, into=CAMERAS)
    def move_all(self, source: str | None, into: str | None) -> None:
        for name, row in self.rows.items():
            if row.camera == source:
                self.handles[0].patch(name, TrackletPatch(camera=into), actor="test")
                row.camera = into

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), at=HANDLES)
    def relabel(self, data: st.DataObject, at: int) -> None:
        name = data.draw(st.sampled_from(sorted(self.rows)))
        self.handles[at].patch(name, TrackletPatch(identity="somebody"), actor="test")

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), at=HANDLES)
    def erase(self, data: st.DataObject, at: int) -> None:
        name = data.draw(st.sampled_from(sorted(self.rows)))
        handle = self.handles[at]
        handle.search(seen(0, None), MODEL, Search(), actor="test")
        self.watch_for_a_freeze()
        handle.erase(name, actor="test")
        del self.rows[name]
        assert handle.normalisation.digest() == frozen(handle).digest()

    @rule(at=HANDLES)
    def refresh(self, at: int) -> None:
        self.handles[at].refresh()
        assert not self.handles[at].refresh_pending
        assert self.handles[at].normalisation.digest() == frozen(self.handles[at]).digest()

    @rule(at=HANDLES)
    def restart(self, at: int) -> None:
        self.handles[at].close()
        self.handles[at] = open_auto(self.folder, save_index=bool(at))

    @rule(person=PEOPLE, camera=CAMERAS, at=HANDLES)
    def search(self, person: int, camera: str | None, at: int) -> None:
        handle = self.handles[at]
        wanted = Search(camera=camera, top_k=100, tracklets_per_identity=50)
        ranking = handle.search(seen(person, camera, 1), MODEL, wanted, actor="test")
        normalisation = handle.normalisation
        query = normalisation.query(seen(person, camera, 1), camera)
        found = {
            hit.tracklet.tracklet_id: hit.score
            for place in ranking.identities
            for hit in place.tracklets
        }
        right = {
            name: float(compared(normalisation, row.embedding, row.camera) @ query)
            for name, row in self.rows.items()
        }
        assert found == pytest.approx(right, abs=1e-6)
        assert ranking.scoring.camera_normalised == normalisation.is_active

    @invariant()
    def keeps_the_sums_of_its_rows(self) -> None:
        self.watch_for_a_freeze()
        rows = list(self.rows.values())
        assert statistics(self.handles[0], "now") == sums(rows, "camera")
        then = [row for row in rows if row.counted_then]
        assert statistics(self.handles[1], "frozen") == sums(then, "camera_then")

    def teardown(self) -> None:
        assert self.handles[0].verify().ok
        for handle in self.handles:
            handle.close()
        shutil.rmtree(self.root)


TestScorings = Scorings.TestCase
TestScorings.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
