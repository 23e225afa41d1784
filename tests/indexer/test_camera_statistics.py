"""The sums of each camera are those of its rows after everything that can happen to rows."""

import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from indexer import camera_statistics, schema
from indexer.backup import backup, restore
from indexer.camera_statistics import LEAST, Set
from indexer.camera_sums import Sums
from indexer.gallery import LocalGallery
from indexer.records import TrackletPatch
from indexer.rows import to_stored
from indexer.store import FILE, Store, next_generation
from model.errors import TrackletExists
from tests.support.galleries import make_gallery, tracklet, unit


def enrol(gallery: LocalGallery, camera: str | None, *seeds: int) -> None:
    for seed in seeds:
        gallery.enrol(tracklet(f"t{seed}", seed, camera=camera), actor="test")


def move(gallery: LocalGallery, seed: int, camera: str | None) -> None:
    gallery.patch(f"t{seed}", TrackletPatch(camera=camera), actor="test")


def kept(gallery: LocalGallery, which: Set = "now") -> dict[str, tuple[int, bytes, bytes]]:
    with gallery._store.reading() as connection:
        found = camera_statistics.read(connection, which)
    return {camera: sums.to_bytes() for camera, sums in found.items()}


def freeze(gallery: LocalGallery) -> None:
    with gallery._store.writing() as connection:
        camera_statistics.freeze(connection, next_generation(connection))


def of(*seeds: int) -> tuple[int, bytes, bytes]:
    """What these tracklets' stored vectors give by themselves."""
    stored = [np.frombuffer(to_stored(unit(seed)), "<f2") for seed in seeds]
    return Sums.of(np.stack(stored)).to_bytes()


def test_follow_enrolment_erasure_and_change_of_camera(gallery: LocalGallery) -> None:
    enrol(gallery, "door", *range(8))
    enrol(gallery, None, 50, 51, 52, 53, 54, 55)
    assert kept(gallery) == {"door": of(*range(8))}
    gallery.erase("t3", actor="test")
    assert kept(gallery) == {"door": of(0, 1, 2, 4, 5, 6, 7)}
    move(gallery, 50, "door")
    move(gallery, 0, None)
    assert kept(gallery) == {"door": of(1, 2, 4, 5, 6, 7, 50)}
    gallery.patch("t1", TrackletPatch(identity="Ann"), actor="test")
    assert kept(gallery) == {"door": of(1, 2, 4, 5, 6, 7, 50)}
    assert gallery.verify().ok


def test_few_would_give_a_person_away_and_are_not_kept(gallery: LocalGallery, folder: Path) -> None:
    enrol(gallery, "door", *range(LEAST - 1))
    assert kept(gallery) == {}
    enrol(gallery, "door", 10)
    assert kept(gallery) == {"door": of(0, 1, 2, 3, 10)}
    gallery.erase("t10", actor="test")
    assert kept(gallery) == {}
    for sums in (of(0, 1, 2, 3), of(0, 1, 2, 3, 10)):
        assert [file for file in folder.glob("gallery.*") if sums[1] in file.read_bytes()] == []
    enrol(gallery, "door", 11, 12)
    assert kept(gallery) == {"door": of(0, 1, 2, 3, 11, 12)}


def test_a_whole_camera_moved_to_another(gallery: LocalGallery) -> None:
    enrol(gallery, "a", *range(6))
    enrol(gallery, "b", *range(10, 16))
    freeze(gallery)
    for seed in range(6):
        move(gallery, seed, "b")
    assert kept(gallery) == {"b": of(*range(6), *range(10, 16))}
    assert kept(gallery, "frozen") == {"a": of(*range(6)), "b": of(*range(10, 16))}
    assert gallery.verify().ok


def test_a_transaction_that_fails_changes_nothing(gallery: LocalGallery) -> None:
    enrol(gallery, "door", *range(6))
    with pytest.raises(TrackletExists):
        gallery.enrol_many(
            [tracklet("new", 20, camera="door"), tracklet("t1", 99, camera="door")], actor="test"
        )
    assert kept(gallery) == {"door": of(*range(6))}


def test_many_at_once_count_like_one_after_the_other(gallery: LocalGallery) -> None:
    news = [tracklet(f"t{seed}", seed, camera=f"c{seed % 2}") for seed in range(20)]
    gallery.enrol_many([*news, news[3]], actor="test")
    assert kept(gallery) == {"c0": of(*range(0, 20, 2)), "c1": of(*range(1, 20, 2))}
    gallery.erase_expired(0, actor="test")
    assert kept(gallery) == {}


class TestFrozen:
    def test_stay_while_the_gallery_grows(self, gallery: LocalGallery) -> None:
        enrol(gallery, "door", *range(6))
        freeze(gallery)
        enrol(gallery, "door", *range(20, 30))
        enrol(gallery, "gate", *range(40, 46))
        assert kept(gallery, "frozen") == {"door": of(*range(6))}
        assert kept(gallery).keys() == {"door", "gate"}

    def test_lose_what_is_erased_from_the_camera_it_had_then(self, gallery: LocalGallery) -> None:
        enrol(gallery, "door", *range(7))
        enrol(gallery, "gate", *range(10, 17))
        freeze(gallery)
        move(gallery, 0, "gate")
        move(gallery, 0, "yard")
        enrol(gallery, "door", 30)
        for name in ("t0", "t10", "t30"):
            gallery.erase(name, actor="test")
        assert kept(gallery, "frozen") == {"door": of(*range(1, 7)), "gate": of(*range(11, 17))}
        assert gallery.verify().ok

    def test_what_came_later_was_never_in_them(self, gallery: LocalGallery) -> None:
        enrol(gallery, "door", *range(6))
        freeze(gallery)
        enrol(gallery, "door", 20)
        move(gallery, 20, "gate")
        gallery.erase("t20", actor="test")
        assert kept(gallery, "frozen") == {"door": of(*range(6))}

    def test_few_are_not_kept(self, gallery: LocalGallery) -> None:
        enrol(gallery, "door", *range(LEAST))
        freeze(gallery)
        enrol(gallery, "door", 20)
        gallery.erase("t0", actor="test")
        assert kept(gallery, "frozen") == {}
        assert kept(gallery) == {"door": of(1, 2, 3, 4, 20)}
        assert gallery.verify().ok


def test_a_backup_put_back_has_no_trace_of_the_erased(folder: Path, tmp_path: Path) -> None:
    with make_gallery(folder) as gallery:
        enrol(gallery, "door", *range(8))
        freeze(gallery)
        backup(gallery._store, tmp_path / "copy")
        gallery.erase("t2", actor="test")
    restore(tmp_path / "copy", folder)
    with make_gallery(folder) as gallery:
        assert kept(gallery) == {"door": of(0, 1, 3, 4, 5, 6, 7)}
        assert kept(gallery, "frozen") == kept(gallery)
        assert gallery.verify().ok


def test_an_older_gallery_gets_its_statistics_when_it_is_opened(folder: Path) -> None:
    with make_gallery(folder) as gallery:
        enrol(gallery, "door", *range(6))
        enrol(gallery, "gate", *range(20, 23))
    with closing(sqlite3.connect(folder / FILE)) as connection:
        for table in ("moved_since_frozen", "frozen_sums", "frozen", "camera_sums"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("PRAGMA user_version = 2")
    with make_gallery(folder) as gallery:
        assert kept(gallery) == {"door": of(*range(6))}
        assert kept(gallery, "frozen") == {}
        assert gallery.verify().ok
    with closing(Store(folder / FILE)) as store, store.reading() as connection:
        assert schema.version(connection) == schema.VERSION


def damage(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.execute(statement, values)
        connection.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE camera_sums SET total = zeroblob(length(total))",
        "UPDATE camera_sums SET count = count + 1",
        "DELETE FROM camera_sums",
        "UPDATE frozen_sums SET squares = zeroblob(length(squares))",
        "UPDATE frozen SET last_seq = last_seq - 1",
        "UPDATE moved_since_frozen SET camera = 'gate'",
    ],
)
def test_damaged_statistics_are_found_and_mended(
    gallery: LocalGallery, folder: Path, statement: str
) -> None:
    enrol(gallery, "door", *range(9))
    freeze(gallery)
    move(gallery, 0, "yard")
    before = kept(gallery)
    damage(folder, statement)
    assert {finding.kind for finding in gallery.verify().findings} >= {"statistics_differ"}
    gallery.rebuild()
    assert gallery.verify().ok
    assert kept(gallery) == before


def test_a_damaged_vector_leaves_the_statistics_with_its_row(
    gallery: LocalGallery, folder: Path
) -> None:
    """What was added cannot be subtracted any more, so the camera is counted anew."""
    enrol(gallery, "door", *range(9))
    freeze(gallery)
    other = to_stored(unit(77))
    damage(folder, "UPDATE vectors SET embedding = ? WHERE seq = 4", other)
    assert zlib.crc32(other) != zlib.crc32(to_stored(unit(3)))
    gallery.erase("t3", actor="test")
    left = of(0, 1, 2, 4, 5, 6, 7, 8)
    assert kept(gallery) == kept(gallery, "frozen") == {"door": left}
    assert gallery.verify().ok
