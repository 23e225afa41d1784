"""Kept pictures: as they came, each on its own, or not kept at all."""

from pathlib import Path

import pytest

from indexer.gallery import LocalGallery
from model.errors import NotFound
from tests.support.galleries import make_gallery, picture, tracklet


def test_come_back_as_they_went_in(gallery: LocalGallery) -> None:
    kept = [picture(seed, size) for seed, size in enumerate((1, 4000, 50_000))]
    assert gallery.enrol(tracklet("a", 1, pictures=kept), actor="test").tracklet.pictures == 3
    assert gallery.pictures("a", actor="test") == kept
    assert [gallery.picture("a", place, actor="test") for place in range(3)] == kept
    assert gallery.stats().pictures == 3


@pytest.mark.parametrize("place", [-1, 1, 10**9])
def test_other_places_hold_none(gallery: LocalGallery, place: int) -> None:
    gallery.enrol(tracklet("a", 1, pictures=[picture(1)]), actor="test")
    with pytest.raises(NotFound):
        gallery.picture("a", place, actor="test")
    with pytest.raises(NotFound):
        gallery.picture("b", 0, actor="test")
    with pytest.raises(NotFound):
        gallery.pictures("b", actor="test")


def test_are_left_out_where_they_are_not_to_be_kept(folder: Path) -> None:
    with make_gallery(folder, keep_pictures=False) as gallery:
        enrolled = gallery.enrol(tracklet("a", 1, pictures=[picture(1)]), actor="test")
        assert enrolled.tracklet.pictures == 0
        assert gallery.pictures("a", actor="test") == []
        assert gallery.verify().ok


def test_that_they_were_looked_at_is_on_record(gallery: LocalGallery) -> None:
    gallery.enrol(tracklet("a", 1, pictures=[picture(1), picture(2)]), actor="test")
    gallery.enrol(tracklet("b", 2), actor="test")

    gallery.pictures("a", actor="the desk")
    gallery.picture("a", 1, actor="the door")
    gallery.pictures("b", actor="nobody, for there are none")

    seen = [entry for entry in gallery.audit(limit=9, cursor=None).items if entry.actor != "test"]
    assert [(entry.actor, entry.action, dict(entry.details)) for entry in seen] == [
        ("the door", "picture", {"place": 1}),
        ("the desk", "picture", {"pictures": 2}),
    ]
    assert seen[0].subject_hash == seen[1].subject_hash
