"""The one path: what is answered is durable, found, and true of the store at that moment."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.gallery import LocalGallery
from indexer.records import Filter, Ranking, Search, TrackletPatch
from model.errors import (
    GalleryLocked,
    GalleryMissing,
    InvalidParameter,
    ModelMismatch,
    ModelOutputInvalid,
    NotFound,
    TrackletErased,
    TrackletExists,
)
from tests.support.galleries import MODEL, WIDTH, FakeGpu, make_gallery, picture, tracklet, unit

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def look(gallery: LocalGallery, seed: int, wanted: Search | None = None) -> Ranking:
    return gallery.search(unit(seed), MODEL, wanted or Search(), actor="test")


def found_ids(ranking: Ranking) -> list[str]:
    return [hit.tracklet.tracklet_id for place in ranking.identities for hit in place.tracklets]


def only(**conditions: object) -> Search:
    return Search(filter=Filter(**conditions))  # type: ignore[arg-type]


class TestEnrolment:
    def test_keeps_everything_that_came_in(self, gallery: LocalGallery) -> None:
        new = tracklet(
            "a",
            1,
            identity="Ann",
            camera="door",
            captured_at=NOON.astimezone(timezone(timedelta(hours=2))),
            captured_until=NOON + timedelta(microseconds=1),
            attributes={"bag": ["red", 1.5, None]},
            pictures=[picture(1), picture(2)],
        )
        before = datetime.now(UTC)
        enrolled = gallery.enrol(new, actor="test")
        kept = gallery.get("a")
        assert enrolled.created
        assert enrolled.tracklet == kept
        assert (kept.identity, kept.camera, kept.model_id) == ("Ann", "door", MODEL)
        assert (kept.captured_at, kept.captured_until) == (NOON, NOON + timedelta(microseconds=1))
        assert kept.attributes == {"bag": ["red", 1.5, None]}
        assert (kept.received, kept.sampled, kept.temporal_attention) == (5, (0, 3), (0.25, 0.75))
        assert before <= kept.created_at <= datetime.now(UTC)
        assert kept.pictures == 2
        assert gallery.pictures("a", actor="test") == [picture(1), picture(2)]
        np.testing.assert_allclose(gallery.embedding("a"), unit(1), atol=5e-4)

    def test_the_same_again_is_the_stored_one(self, gallery: LocalGallery) -> None:
        first = gallery.enrol(tracklet("a", 1, camera="door"), actor="test")
        again = gallery.enrol(tracklet("a", 1, camera="gate"), actor="test")
        assert not again.created
        assert again.tracklet == first.tracklet
        assert gallery.stats().tracklets == 1
        assert gallery.find_same("a", tracklet("a", 1).content_sha256) == first.tracklet

    def test_other_content_under_an_id_is_refused(self, gallery: LocalGallery) -> None:
        gallery.enrol(tracklet("a", 1), actor="test")
        with pytest.raises(TrackletExists):
            gallery.enrol(tracklet("a", 2), actor="test")
        with pytest.raises(TrackletExists):
            gallery.find_same("a", tracklet("a", 2).content_sha256)
        assert gallery.find_same("b", tracklet("a", 1).content_sha256) is None

    def test_many_at_once_are_all_or_none(self, gallery: LocalGallery) -> None:
        done = gallery.enrol_many([tracklet("a", 1), tracklet("a", 1)], actor="test")
        assert [one.created for one in done] == [True, False]
        with pytest.raises(TrackletExists):
            gallery.enrol_many([tracklet("b", 2), tracklet("a", 3)], actor="test")
        assert found_ids(look(gallery, 2)) == ["a"]

    def test_makes_ids_that_sort_by_time(self, gallery: LocalGallery) -> None:
        made = [
            gallery.enrol(tracklet(None, seed), actor="test").tracklet.tracklet_id
            for seed in range(3)
        ]
        assert len(set(made)) == 3
        assert [text[14] for text in made] == ["7", "7", "7"]

    @pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 2.0])
    def test_refuses_what_is_no_embedding(self, gallery: LocalGallery, value: float) -> None:
        broken = unit(1) * np.float32(value)
        with pytest.raises(ModelOutputInvalid), np.errstate(invalid="ignore"):
            gallery.enrol(tracklet("a", 1, embedding=broken), actor="test")
        with pytest.raises(ModelOutputInvalid):
            gallery.enrol(tracklet("a", 1, embedding=unit(1, WIDTH + 1)), actor="test")
        assert gallery.stats().tracklets == 0

    def test_never_mixes_models(self, gallery: LocalGallery, folder: Path) -> None:
        with pytest.raises(ModelMismatch):
            gallery.enrol(tracklet("a", 1, model_id="another"), actor="test")
        with pytest.raises(ModelMismatch):
            gallery.search(unit(1), "another", Search(), actor="test")
        with pytest.raises(ModelMismatch):
            make_gallery(folder, model_id="another")
        with pytest.raises(ModelMismatch):
            make_gallery(folder, width=WIDTH + 1)

    @pytest.mark.parametrize("name", ["a/b", "..", "tab\there", "x" * 129])
    def test_refuses_names_that_are_none(self, gallery: LocalGallery, name: str) -> None:
        for fields in ({"identity": name}, {"camera": name}):
            with pytest.raises(InvalidParameter):
                gallery.enrol(tracklet("a", 1, **fields), actor="test")
        with pytest.raises(InvalidParameter):
            gallery.enrol(tracklet(name, 1), actor="test")
        with pytest.raises(InvalidParameter):
            gallery.merge("x", name, actor="test")


class TestSearch:
    def test_ranks_distinct_identities_and_lone_tracklets(self, gallery: LocalGallery) -> None:
        for number, identity in enumerate(["Ann", "Ann", "Bob", None, None]):
            gallery.enrol(tracklet(f"t{number}", number, identity=identity), actor="test")
        ranking = look(gallery, 0)
        assert ranking.identities[0].identity == "Ann"
        assert ranking.identities[0].score == pytest.approx(1, abs=1e-3)
        assert sorted(str(place.identity) for place in ranking.identities) == [
            "Ann",
            "Bob",
            "None",
            "None",
        ]
        assert [place.rank for place in ranking.identities] == [1, 2, 3, 4]
        assert (ranking.searched, ranking.tracklets, ranking.labelled_identities) == (5, 5, 2)
        assert ranking.exact

    def test_filters_are_exact(self, gallery: LocalGallery) -> None:
        for number, (camera, time) in enumerate(
            [("c1", NOON), ("c2", NOON + timedelta(seconds=1)), ("c1", None), (None, NOON)]
        ):
            gallery.enrol(
                tracklet(f"t{number}", number, camera=camera, captured_at=time), actor="test"
            )
        later = NOON + timedelta(seconds=1)
        for wanted, expected in (
            (only(cameras=frozenset({"c1"})), {"t0", "t2"}),
            (only(cameras=frozenset({"c1", "c2", "no"})), {"t0", "t1", "t2"}),
            (only(cameras=frozenset({"no"})), set()),
            (only(exclude_cameras=frozenset({"c1"})), {"t1", "t3"}),
            (only(captured_after=later), {"t1"}),
            (only(captured_before=later), {"t0", "t3"}),
            (only(captured_after=NOON, captured_before=later), {"t0", "t3"}),
            (only(identity="nobody"), set()),
            (only(exclude_tracklet="t0"), {"t1", "t2", "t3"}),
            (only(exclude_tracklet="never there"), {"t0", "t1", "t2", "t3"}),
        ):
            ranking = look(gallery, 0, wanted)
            listed = gallery.list(wanted.filter, limit=10, cursor=None).items
            assert set(found_ids(ranking)) == expected
            assert {one.tracklet_id for one in listed} == expected
            assert ranking.searched == len(expected)

    def test_nobody_in_an_empty_gallery(self, gallery: LocalGallery) -> None:
        ranking = look(gallery, 0)
        assert (ranking.identities, ranking.searched, ranking.tracklets) == ((), 0, 0)

    def test_the_same_bits_after_a_rebuild_and_a_restart(self, folder: Path) -> None:
        with make_gallery(folder) as gallery:
            for seed in range(40):
                gallery.enrol(tracklet(f"t{seed}", seed, identity=f"p{seed % 7}"), actor="test")
            gallery.erase("t3", actor="test")
            before = look(gallery, 3)
            gallery.rebuild()
            assert look(gallery, 3) == before
        for threads in (1, 3):
            with make_gallery(folder, threads=threads, save_index=True) as gallery:
                assert look(gallery, 3) == before
        assert (folder / "index.saved").exists()
        with make_gallery(folder) as gallery:
            assert look(gallery, 3) == before

    def test_a_gpu_answers_with_the_same_bits(self, folder: Path) -> None:
        """Filters hold although the GPU knows none, and erased rows stay in its copy."""
        with make_gallery(folder) as gallery:
            for seed in range(60):
                new = tracklet(
                    f"t{seed}", seed, identity=f"p{seed % 9}", camera=f"c{seed % 3 and seed % 20}"
                )
                gallery.enrol(new, actor="test")
        searches = [
            Search(),
            Search(top_k=2, tracklets_per_identity=50),
            Search(min_score=0.2),
            only(exclude_tracklet="t5"),
            only(cameras=frozenset({"c19"})),
            only(exclude_cameras=frozenset({"c0"})),
        ]
        with (
            make_gallery(folder) as cpu,
            make_gallery(folder, device="cuda", make_gpu=FakeGpu) as gpu,
        ):
            assert gpu.stats().index_device == "cuda:0"
            for _ in range(2):
                assert [look(gpu, 5, one) for one in searches] == [
                    look(cpu, 5, one) for one in searches
                ]
                gpu.erase_identity("p5", actor="test")
                gpu.enrol(tracklet("again", 5, identity="p5"), actor="test")

    def test_sees_what_another_handle_did(self, folder: Path) -> None:
        with make_gallery(folder) as one, make_gallery(folder) as other:
            assert look(one, 1).identities == ()
            other.enrol(tracklet("a", 1, identity="Ann", camera="c1"), actor="test")
            other.enrol(tracklet("b", 2, identity="Bob"), actor="test")
            assert look(one, 1).identities[0].identity == "Ann"
            other.patch("a", TrackletPatch(identity="Eve", camera="c2"), actor="test")
            assert look(one, 1).identities[0].identity == "Eve"
            assert found_ids(look(one, 1, only(cameras=frozenset({"c1"})))) == []
            other.erase("a", actor="test")
            assert found_ids(look(one, 1)) == ["b"]

    def test_a_stale_view_cannot_bring_back_an_erased_row(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Even if the erasure falls between the search and the reading of its hits."""
        with make_gallery(folder) as one, make_gallery(folder) as other:
            one.enrol(tracklet("a", 1), actor="test")
            one.enrol(tracklet("b", 2), actor="test")
            look(one, 1)
            monkeypatch.setattr(one._view, "follow", lambda store: None)
            other.erase("a", actor="test")
            assert found_ids(look(one, 1)) == ["b"]


class TestChanges:
    def test_a_patch_changes_what_it_names(self, gallery: LocalGallery) -> None:
        gallery.enrol(tracklet("a", 1, identity="Ann", camera="c1"), actor="test")
        patched = gallery.patch(
            "a", TrackletPatch(camera=None, captured_at=NOON, attributes={"k": 1}), actor="test"
        )
        assert (patched.identity, patched.camera) == ("Ann", None)
        assert (patched.captured_at, patched.attributes) == (NOON, {"k": 1})
        assert gallery.get("a") == patched
        assert found_ids(look(gallery, 1, only(captured_after=NOON))) == ["a"]
        with pytest.raises(NotFound):
            gallery.patch("b", TrackletPatch(), actor="test")

    def test_a_merge_can_be_undone(self, gallery: LocalGallery) -> None:
        for seed, identity in enumerate(["Ann", "Ann", "Bob"]):
            gallery.enrol(tracklet(f"t{seed}", seed, identity=identity), actor="test")
        merge = gallery.merge("Ann", "Bob", actor="test")
        assert merge.moved == 2
        assert gallery.identity("Bob").tracklets == 3
        assert len(look(gallery, 0).identities) == 1
        gallery.patch("t1", TrackletPatch(identity="Bob"), actor="test")  # on purpose
        assert gallery.undo_merge(merge.merge_id, actor="test").moved == 1
        assert [gallery.get(f"t{seed}").identity for seed in range(3)] == ["Ann", "Bob", "Bob"]
        with pytest.raises(NotFound):
            gallery.undo_merge(merge.merge_id, actor="test")

    def test_merges_are_undone_in_reverse(self, gallery: LocalGallery) -> None:
        gallery.enrol(tracklet("t", 1, identity="Ann"), actor="test")
        first = gallery.merge("Ann", "Bob", actor="test")
        second = gallery.merge("Bob", "Cid", actor="test")
        assert gallery.undo_merge(first.merge_id, actor="test").moved == 0
        assert gallery.undo_merge(second.merge_id, actor="test").moved == 1
        assert gallery.undo_merge(first.merge_id, actor="test").moved == 1
        assert gallery.get("t").identity == "Ann"

    def test_merging_what_is_not_there_does_nothing(self, gallery: LocalGallery) -> None:
        with pytest.raises(NotFound):
            gallery.merge("nobody", "Bob", actor="test")
        gallery.enrol(tracklet("t", 1, identity="Ann"), actor="test")
        with pytest.raises(InvalidParameter):
            gallery.merge("Ann", "Ann", actor="test")


class TestListings:
    @given(st.integers(0, 9), st.integers(1, 5))
    @settings(max_examples=10, deadline=None)
    def test_pages_cover_everything_once(
        self, tmp_path_factory: pytest.TempPathFactory, count: int, limit: int
    ) -> None:
        with make_gallery(tmp_path_factory.mktemp("pages") / "gallery") as gallery:
            for seed in range(count):
                time = None if seed % 3 == 0 else NOON - timedelta(hours=seed)
                gallery.enrol(
                    tracklet(f"t{seed}", seed, identity=f"p{seed % 4}", captured_at=time),
                    actor="test",
                )
                gallery.patch(f"t{seed}", TrackletPatch(camera="c"), actor="test")
            seen, cursor = [], None
            while True:
                page = gallery.list(Filter(), limit=limit, cursor=cursor)
                assert len(page.items) <= limit
                seen += [one.tracklet_id for one in page.items]
                if (cursor := page.next_cursor) is None:
                    break
            assert seen == [f"t{seed}" for seed in range(count)]
            names, cursor = [], None
            while True:
                people = gallery.identities(prefix="p", limit=limit, cursor=cursor)
                names += [one.identity for one in people.items]
                if (cursor := people.next_cursor) is None:
                    break
            assert names == sorted({f"p{seed % 4}" for seed in range(count)})

    def test_an_identity_and_its_path(self, gallery: LocalGallery) -> None:
        times = [NOON, None, NOON - timedelta(hours=1), NOON + timedelta(hours=1), None]
        for seed, time in enumerate(times):
            gallery.enrol(
                tracklet(
                    f"t{seed}",
                    seed,
                    identity="Ann",
                    camera=f"c{seed % 2}",
                    captured_at=time,
                    captured_until=None if time is None else time + timedelta(minutes=1),
                ),
                actor="test",
            )
        summary = gallery.identity("Ann")
        assert (summary.tracklets, summary.cameras) == (5, ("c0", "c1"))
        assert summary.first_seen == NOON - timedelta(hours=1)
        assert summary.last_seen == NOON + timedelta(hours=1, minutes=1)
        walked, cursor = [], None
        while True:
            page = gallery.path("Ann", limit=2, cursor=cursor)
            walked += [one.tracklet_id for one in page.items]
            if (cursor := page.next_cursor) is None:
                break
        assert walked == ["t2", "t0", "t3", "t1", "t4"]
        assert [(one.camera, one.tracklets) for one in gallery.cameras()] == [("c0", 3), ("c1", 2)]
        with pytest.raises(NotFound):
            gallery.identity("Eve")

    def test_a_prefix_is_taken_literally(self, gallery: LocalGallery) -> None:
        for seed, name in enumerate(["Ann", "An%", "ann", "Änn", "Ann_2", "B"]):
            gallery.enrol(tracklet(None, seed, identity=name), actor="test")
        names = [
            one.identity for one in gallery.identities(prefix="An", limit=9, cursor=None).items
        ]
        assert names == ["An%", "Ann", "Ann_2"]
        everyone = gallery.identities(prefix="", limit=9, cursor=None).items
        assert len(everyone) == 6

    @given(st.text(max_size=40))
    @settings(max_examples=30, deadline=None)
    def test_made_up_cursors_are_refused(
        self, tmp_path_factory: pytest.TempPathFactory, cursor: str
    ) -> None:
        folder = tmp_path_factory.getbasetemp() / "cursors"
        with make_gallery(folder) as gallery, pytest.raises(InvalidParameter):
            gallery.list(Filter(), limit=1, cursor=cursor)

    def test_a_cursor_of_another_listing_is_refused(self, gallery: LocalGallery) -> None:
        for seed in range(2):
            gallery.enrol(tracklet(None, seed, identity=f"p{seed}"), actor="test")
        cursor = gallery.list(Filter(), limit=1, cursor=None).next_cursor
        assert cursor is not None
        assert cursor.replace("-", "a").replace("_", "a").isalnum()
        with pytest.raises(InvalidParameter):
            gallery.identities(prefix="", limit=1, cursor=cursor)
        with pytest.raises(InvalidParameter):
            gallery.list(
                Filter(), limit=1, cursor=cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
            )


class TestAudit:
    def test_tells_who_did_what_without_names(self, gallery: LocalGallery) -> None:
        gallery.enrol(tracklet("secret-id", 1, identity="Ann", pictures=[picture(1)]), actor="desk")
        look(gallery, 1)
        gallery.picture("secret-id", 0, actor="guard")
        gallery.merge("Ann", "Bob", actor="desk")
        gallery.erase_identity("Bob", actor="officer")
        entries = gallery.audit(limit=10, cursor=None).items
        assert [(one.actor, one.action) for one in reversed(entries)] == [
            ("desk", "enrol"),
            ("test", "search"),
            ("guard", "picture"),
            ("desk", "merge"),
            ("officer", "erase_identity"),
        ]
        assert entries[-1].subject_hash == entries[-3].subject_hash  # the same tracklet
        text = repr(entries)
        assert not any(name in text for name in ("secret-id", "Ann", "Bob"))

    def test_pages_go_back_in_time(self, gallery: LocalGallery) -> None:
        for seed in range(5):
            gallery.enrol(tracklet(None, seed), actor=f"n{seed}")
        first = gallery.audit(limit=3, cursor=None)
        rest = gallery.audit(limit=3, cursor=first.next_cursor)
        actors = [one.actor for one in (*first.items, *rest.items)]
        assert actors == ["n4", "n3", "n2", "n1", "n0"]
        assert rest.next_cursor is None


class TestOpening:
    def test_makes_none_unless_asked(self, folder: Path) -> None:
        with pytest.raises(GalleryMissing):
            make_gallery(folder, create=False)
        with pytest.raises(GalleryMissing):
            make_gallery(folder, model_id=None)
        assert not folder.exists()

    def test_takes_the_gallerys_own_model(self, folder: Path) -> None:
        make_gallery(folder).close()
        with make_gallery(folder, model_id=None, width=None, create=False) as gallery:
            assert (gallery.model_id, gallery.embedding_width) == (MODEL, WIDTH)

    def test_a_rebuild_needs_the_gallery_alone(self, folder: Path) -> None:
        with make_gallery(folder) as one:
            with make_gallery(folder) as other, pytest.raises(GalleryLocked):
                one.rebuild()
            assert other is not one
            assert one.rebuild().tracklets == 0

    def test_a_device_that_is_not_there_is_told(self, gallery: LocalGallery) -> None:
        assert gallery.stats().index_device == "cpu"


def test_tombstones_keep_erased_people_out_until_asked(gallery: LocalGallery) -> None:
    gallery.enrol(tracklet("a", 1), actor="test")
    gallery.erase("a", actor="test")
    assert gallery.is_erased("a")
    with pytest.raises(TrackletErased):
        gallery.enrol(tracklet("a", 1), actor="test", include_erased=False)
    assert gallery.enrol(tracklet("a", 2), actor="test").created
    assert not gallery.is_erased("a")
    assert found_ids(look(gallery, 2)) == ["a"]


def test_readers_and_writers_at_once(gallery: LocalGallery) -> None:
    """An answered enrolment is found, an answered erasure never again, whoever else is at work."""
    wrong: list[object] = []

    def work(worker: int) -> None:
        try:
            for turn in range(12):
                seed = 100 * worker + turn
                name = f"w{worker}-{turn}"
                gallery.enrol(tracklet(name, seed), actor="test")
                best = look(gallery, seed).identities[0].tracklets[0]
                if best.tracklet.tracklet_id != name:
                    wrong.append(("not found", name))
                if turn % 2:
                    gallery.erase(name, actor="test")
                    if name in found_ids(look(gallery, seed, Search(top_k=100))):
                        wrong.append(("found again", name))
        except Exception as error:  # noqa: BLE001 (the main thread has to hear of it)
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert gallery.stats().tracklets == 30
    assert gallery.verify().ok


def test_the_size_counts_folders_but_neither_the_reserve_nor_what_vanishes(
    gallery: LocalGallery, folder: Path
) -> None:
    before = gallery.stats().bytes_on_disk
    (folder / "detections").mkdir()
    (folder / "detections" / "video.jsonl").write_bytes(bytes(5000))
    (folder / "gone").symlink_to(folder / "vanished")

    assert gallery.stats().bytes_on_disk == before + 5000
    assert before < (folder / "reserve").stat().st_size
