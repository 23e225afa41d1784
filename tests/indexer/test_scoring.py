"""Camera-normalised scoring in the gallery: what is compared, and with which statistics."""

import threading
from pathlib import Path

import numpy as np
import pytest

from indexer.camera_statistics import LEAST
from indexer.gallery import LocalGallery
from indexer.normalisation import Normalisation
from indexer.records import Filter, Ranking, Search, TrackletPatch
from model.errors import ErasePending
from tests.support.cameras import (
    WIDTH,
    compared,
    fill,
    frozen,
    open_auto,
    seen,
    statistics,
    sums_of,
    walk,
)
from tests.support.galleries import MODEL, FakeGpu, make_gallery

CAMERAS = ("door", "gate", "yard")
PEOPLE = 24


@pytest.fixture
def auto(folder: Path):
    with open_auto(folder) as gallery:
        yield gallery


def look(gallery: LocalGallery, person: int, camera: str | None, **wanted: object) -> Ranking:
    """Everything in the gallery, ranked for a new take of a person."""
    search = Search(camera=camera, top_k=100, tracklets_per_identity=50, **wanted)  # type: ignore[arg-type]
    return gallery.search(seen(person, camera, 1), MODEL, search, actor="test")


def scores(ranking: Ranking) -> dict[str, float]:
    return {
        hit.tracklet.tracklet_id: hit.score
        for place in ranking.identities
        for hit in place.tracklets
    }


def expected(
    normalisation: Normalisation, ids: list[str], person: int, camera: str | None
) -> dict[str, float]:
    """Cosines by the definition, from the ids alone."""
    query = normalisation.query(seen(person, camera, 1), camera).astype(np.float64)
    found = {}
    for name in ids:
        who, where, take = name.split("-")
        at = None if where == "nowhere" else where
        vector = compared(normalisation, seen(int(who), at, int(take)), at)
        found[name] = float(np.float32(min(vector @ query, 1.0)))
    return found


class TestScores:
    def test_are_cosines_of_the_vectors_compared(self, auto: LocalGallery) -> None:
        fill(auto, CAMERAS, PEOPLE)
        auto.enrol_many([walk(person, None) for person in range(3)], actor="test")
        for camera in ("door", "yard", None):
            ranking = look(auto, 3, camera)
            assert ranking.scoring.camera_normalised
            found = scores(ranking)
            assert found == pytest.approx(expected(frozen(auto), list(found), 3, camera), abs=1e-6)
            assert len(found) == len(CAMERAS) * PEOPLE + 3

    def test_find_people_across_cameras_that_raw_cosines_miss(self, folder: Path) -> None:
        def found_first(gallery: LocalGallery) -> int:
            return sum(
                look(gallery, person, "door", filter=Filter(exclude_cameras=frozenset({"door"})))
                .identities[0]
                .identity
                == f"p{person}"
                for person in range(60)
            )

        with open_auto(folder) as gallery:
            fill(gallery, CAMERAS, 60)
            normalised = found_first(gallery)
        with make_gallery(folder, width=WIDTH) as gallery:
            assert not look(gallery, 0, "door").scoring.camera_normalised
            assert normalised > found_first(gallery)

    def test_min_score_is_about_them_too(self, auto: LocalGallery) -> None:
        fill(auto, CAMERAS, PEOPLE)
        everything = scores(look(auto, 3, "door"))
        bound = sorted(everything.values())[-5]
        above = scores(look(auto, 3, "door", min_score=bound))
        assert above == {name: score for name, score in everything.items() if score >= bound}

    def test_a_gpu_gives_the_same_bits(self, folder: Path) -> None:
        with open_auto(folder) as gallery:
            fill(gallery, CAMERAS, PEOPLE)
        with (
            open_auto(folder) as cpu,
            open_auto(folder, device="cuda", make_gpu=lambda: FakeGpu(WIDTH)) as gpu,
        ):
            for turn in range(2):
                assert look(gpu, 3, "gate") == look(cpu, 3, "gate")
                gpu.erase(f"{turn}-gate-0", actor="test")
                gpu.enrol_many([walk(n, f"pond{turn}") for n in range(20)], actor="test")
                gpu.patch("4-gate-0", TrackletPatch(camera="door"), actor="test")
                assert gpu.refresh()
                cpu.refresh()


class TestQueriesOwnCamera:
    def test_that_is_unknown_counts_as_none(self, auto: LocalGallery) -> None:
        fill(auto, CAMERAS, PEOPLE)
        search = Search(top_k=5)
        query = seen(3, "door", 1)
        none = auto.search(query, MODEL, search, actor="test")
        unknown = auto.search(query, MODEL, Search(top_k=5, camera="elsewhere"), actor="test")
        known = auto.search(query, MODEL, Search(top_k=5, camera="door"), actor="test")
        assert unknown == none
        assert known != none
        assert known.scoring == none.scoring


class TestGalleries:
    def test_without_anybody(self, auto: LocalGallery) -> None:
        ranking = look(auto, 0, "door")
        assert (ranking.identities, ranking.searched) == ((), 0)
        assert not ranking.scoring.camera_normalised
        assert not auto.refresh_pending

    def test_of_one_camera_only(self, auto: LocalGallery) -> None:
        fill(auto, ["door"], PEOPLE)
        ranking = look(auto, 3, "door")
        assert not ranking.scoring.camera_normalised
        raw = expected(Normalisation.none(WIDTH), list(scores(ranking)), 3, "door")
        assert scores(ranking) == pytest.approx(raw, abs=1e-6)

    def test_without_any_camera(self, auto: LocalGallery) -> None:
        auto.enrol_many([walk(person, None) for person in range(PEOPLE)], actor="test")
        assert not auto.refresh()
        assert not look(auto, 3, None).scoring.camera_normalised

    def test_where_a_whole_camera_is_moved_to_another(self, auto: LocalGallery) -> None:
        fill(auto, CAMERAS, PEOPLE)
        for person in range(PEOPLE):
            auto.patch(f"{person}-door-0", TrackletPatch(camera="gate"), actor="test")
        assert statistics(auto, "now").keys() == {"gate", "yard"}
        assert auto.refresh_pending
        before = frozen(auto)
        moved = compared(before, seen(3, "door", 0), "gate")
        assert_compares(auto, "3-door-0", moved)
        auto.refresh()
        assert frozen(auto).shifts.keys() == {"gate", "yard"}
        assert_compares(auto, "3-door-0", compared(frozen(auto), seen(3, "door", 0), "gate"))
        assert not auto.refresh_pending
        assert auto.verify().ok


def assert_compares(gallery: LocalGallery, name: str, vector: np.ndarray) -> None:
    """The gallery's own bits for a tracklet, by its row's number."""
    with gallery._store.reading() as connection:
        (seq,) = connection.execute(
            "SELECT seq FROM tracklets WHERE tracklet_id = ?", (name,)
        ).fetchone()
    look(gallery, 0, None)
    view = gallery._view
    place = view._columns.place(seq)
    assert view._vectors.read(np.array([place]))[0].astype(np.float64).tolist() == vector.tolist()


class TestRefreshing:
    def test_waits_until_the_statistics_have_moved(self, auto: LocalGallery) -> None:
        fill(auto, CAMERAS, 200)
        generation = auto.scoring.generation
        auto.enrol(walk(500, "door"), actor="test")
        assert not auto.refresh_pending
        assert not auto.refresh()
        assert auto.scoring.generation == generation
        auto.enrol_many([walk(person, "pond") for person in range(PEOPLE)], actor="test")
        assert auto.refresh_pending
        assert auto.refresh()
        assert auto.scoring.generation > generation
        assert not auto.refresh_pending

    def test_begins_when_a_second_camera_has_enough(self, auto: LocalGallery) -> None:
        fill(auto, ["door"], PEOPLE)
        for person in range(LEAST - 1):
            auto.enrol(walk(person, "gate"), actor="test")
            assert not auto.refresh()
        auto.enrol(walk(LEAST, "gate"), actor="test")
        assert auto.refresh()
        assert auto.scoring.camera_normalised

    def test_is_followed_by_every_process(self, folder: Path) -> None:
        with open_auto(folder) as one, open_auto(folder) as other:
            fill(one, CAMERAS, PEOPLE)
            before = look(other, 3, "door")
            assert not before.scoring.camera_normalised
            assert other.refresh_pending
            other.refresh()
            assert look(other, 3, "door") == look(one, 3, "door")

    def test_is_the_same_bits_after_a_restart_and_a_rebuild(self, folder: Path) -> None:
        with open_auto(folder) as gallery:
            fill(gallery, CAMERAS, PEOPLE)
            gallery.enrol(walk(99, "door"), actor="test")
            gallery.erase("5-gate-0", actor="test")
            before = look(gallery, 3, "door")
        for options in ({"save_index": True}, {"threads": 1}, {"save_index": True}):
            with open_auto(folder, **options) as gallery:
                assert look(gallery, 3, "door") == before
        with open_auto(folder) as gallery:
            gallery.rebuild()
            assert look(gallery, 3, "door") == before
            assert gallery.verify().ok

    def test_a_saved_index_of_another_scoring_is_not_used(self, folder: Path) -> None:
        with open_auto(folder, save_index=True) as gallery:
            fill(gallery, CAMERAS, PEOPLE)
            normalised = look(gallery, 3, "door")
        with make_gallery(folder, width=WIDTH, save_index=True) as gallery:
            raw = look(gallery, 3, "door")
            assert raw.scoring.camera_normalised is False
            assert scores(raw) != scores(normalised)
        with open_auto(folder) as gallery:
            assert look(gallery, 3, "door") == normalised

    def test_answers_meanwhile_with_vectors_of_one_generation(self, auto: LocalGallery) -> None:
        """Every answer's scores are those of the old statistics or those of the new, never both."""
        fill(auto, CAMERAS, PEOPLE)
        old = frozen(auto)
        ids = [f"{person}-{camera}-0" for camera in CAMERAS for person in range(PEOPLE)]
        wrong: list[object] = []
        over = threading.Event()
        started = threading.Semaphore(0)

        def ask(person: int) -> None:
            while not over.is_set():
                ranking = look(auto, person, "door")
                found = {name: score for name, score in scores(ranking).items() if name in old_ids}
                answers.append((ranking.scoring.generation, person, found))
                started.release()

        old_ids, answers = set(ids), []
        threads = [threading.Thread(target=ask, args=(person,)) for person in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(6):
            started.acquire()
        auto.enrol_many([walk(person, "pond") for person in range(40)], actor="test")
        assert auto.refresh()
        before = len(answers)  # more than one each after it, so that some began after it
        while len(answers) < before + 12:
            started.acquire()
        over.set()
        for thread in threads:
            thread.join()
        new = frozen(auto)
        generations = {old.generation: old, new.generation: new}
        for generation, person, found in answers:
            right = expected(generations[generation], ids, person, "door")
            if found != pytest.approx(right, abs=1e-6):
                wrong.append((generation, person))
        assert wrong == []
        assert {generation for generation, _, _ in answers} == set(generations)

    def test_takes_in_what_is_changed_while_it_builds(
        self, auto: LocalGallery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(auto, CAMERAS, PEOPLE)
        auto.enrol_many([walk(person, "pond") for person in range(40)], actor="test")
        auto.erase("1-door-0", actor="test")
        during = BuildingPause(auto, monkeypatch)

        def change() -> None:
            auto.enrol(walk(70, "gate"), actor="test")
            auto.patch("2-door-0", TrackletPatch(camera="yard"), actor="test")
            found = scores(look(auto, 70, "gate"))
            assert "70-gate-0" in found

        during.run(change)
        assert auto.refresh()
        assert during.ran
        assert "70-gate-0" in scores(look(auto, 70, "gate"))
        assert_compares(auto, "2-door-0", compared(frozen(auto), seen(2, "door", 0), "yard"))
        assert_compares(auto, "70-gate-0", compared(frozen(auto), seen(70, "gate", 0), "gate"))
        assert auto.verify().ok


class BuildingPause:
    """Runs something in another thread in the middle of a refresh, as a request would."""

    def __init__(self, gallery: LocalGallery, monkeypatch: pytest.MonkeyPatch) -> None:
        self._renewed = gallery._view._renewed
        self._work = None
        self.ran = False
        monkeypatch.setattr(gallery._view, "_renewed", self._pause)

    def run(self, work) -> None:
        self._work = work

    def _pause(self, *arguments: object) -> object:
        if self._work is not None:
            work, self._work = self._work, None
            failed: list[BaseException] = []

            def guarded() -> None:
                try:
                    work()
                except BaseException as error:  # noqa: BLE001 (raised again below)
                    failed.append(error)

            thread = threading.Thread(target=guarded)
            thread.start()
            thread.join()
            self.ran = True
            if failed:
                raise failed[0]
        return self._renewed(*arguments)


class TestErasing:
    def test_takes_the_persons_part_out_of_what_serves(self, auto: LocalGallery) -> None:
        fill(auto, CAMERAS, PEOPLE)
        auto.enrol(walk(80, "door"), actor="test")
        auto.erase("3-door-0", actor="test")
        door = [seen(person, "door") for person in range(PEOPLE) if person != 3]
        assert statistics(auto, "frozen")["door"] == sums_of(door).to_bytes()
        assert statistics(auto, "now")["door"] == sums_of([*door, seen(80, "door")]).to_bytes()
        assert auto.normalisation.digest() == frozen(auto).digest()
        for name in ("4-door-0", "4-gate-0", "80-door-0"):
            person, camera, _ = name.split("-")
            assert_compares(auto, name, compared(frozen(auto), seen(int(person), camera), camera))

    def test_of_most_of_a_camera_leaves_no_sums_of_the_rest(self, auto: LocalGallery) -> None:
        fill(auto, CAMERAS, LEAST + 1)
        assert "door" in auto.normalisation.shifts
        auto.erase("0-door-0", actor="test")
        assert "door" in statistics(auto, "frozen")
        auto.erase("1-door-0", actor="test")
        assert "door" not in statistics(auto, "frozen")
        assert "door" not in auto.normalisation.shifts
        assert auto.verify().ok

    def test_is_pending_while_a_refresh_still_counts_it(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with open_auto(folder, erase_deadline=0.05) as gallery:
            fill(gallery, CAMERAS, PEOPLE)
            gallery.enrol_many([walk(person, "pond") for person in range(40)], actor="test")
            during = BuildingPause(gallery, monkeypatch)

            def erase() -> None:
                with pytest.raises(ErasePending):
                    gallery.erase("3-pond-0", actor="test")
                assert "3-pond-0" not in scores(look(gallery, 3, "pond"))

            during.run(erase)
            assert gallery.refresh()
            assert during.ran
            pond = [seen(person, "pond") for person in range(40) if person != 3]
            assert statistics(gallery, "frozen")["pond"] == sums_of(pond).to_bytes()
            assert gallery.normalisation.digest() == frozen(gallery).digest()
            receipt = gallery.erase("3-pond-0", actor="test")
            assert (receipt.tracklets, receipt.physical) == (1, "done")

    def test_by_another_process_is_followed_at_the_next_refresh(self, folder: Path) -> None:
        with open_auto(folder) as one, open_auto(folder) as other:
            fill(one, CAMERAS, PEOPLE)
            other.refresh()
            one.erase("3-door-0", actor="test")
            assert "3-door-0" not in scores(look(other, 3, "door"))
            assert other.refresh()
            assert look(other, 3, "door") == look(one, 3, "door")
