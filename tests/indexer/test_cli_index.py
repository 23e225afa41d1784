"""`sightline index` as a user calls it: real pictures, real videos, real gallery, real model."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from indexer.archive.ledger import Ledger
from indexer.archive.sources import Archive
from indexer.commands.index import index
from indexer.gallery import LocalGallery, open_gallery
from indexer.records import Filter, Tracklet
from model.times import format_time
from tests.support.archives import write_crops, write_mot, write_tracklets, write_video
from tests.support.fake_bundle import make_bundle, person
from tests.support.fake_detector import make_detector
from tests.support.rooms import files_at_most

FOUR = {"cam 1/t1": 1, "cam 1/t2": 2, "Käm/t1": 3, "Käm/ö 7": 4}


@dataclass
class Place:
    """A gallery, and the command that fills it."""

    gallery: Path
    bundle: Path

    def run(self, archive: Path, *arguments: object) -> Result:
        app = typer.Typer()
        app.command()(index)
        flags = ["--gallery", self.gallery, "--model", self.bundle, "--device", "cpu"]
        return CliRunner().invoke(app, [str(a) for a in (archive, *flags, *arguments)])

    def report(self, archive: Path, *arguments: object) -> dict[str, Any]:
        """Index successfully; the report as JSON."""
        result = self.run(archive, "--json", *arguments)
        assert result.exit_code == 0, result.output
        report: dict[str, Any] = json.loads(result.stdout)
        return report

    def open(self) -> LocalGallery:
        return open_gallery(self.gallery, model_id=None, width=None, create=False)

    def tracklets(self) -> dict[str, Tracklet]:
        """By id; every one has its pictures, and the gallery verifies."""
        with self.open() as gallery:
            assert gallery.verify().ok
            items = gallery.list(Filter(), limit=500, cursor=None).items
            for item in items:
                assert len(gallery.pictures(item.tracklet_id, actor="test")) == len(item.sampled)
        return {item.tracklet_id: item for item in items}


@pytest.fixture
def place(tmp_path: Path, fake_bundle: Path) -> Place:
    return Place(tmp_path / "gallery", fake_bundle)


def counts(report: dict[str, Any]) -> tuple[int, int, int, int]:
    tracklets = report["tracklets"]
    return tuple(tracklets[name] for name in ("found", "indexed", "skipped", "failed"))  # type: ignore[return-value]


def test_a_folder_of_tracklets_is_indexed_once(tmp_path: Path, place: Place) -> None:
    line = {"tracklet": "ö 7", "identity": "Zoë", "captured_at": "2024-05-01T12:00:00Z"}
    archive = write_tracklets(tmp_path / "my archive", FOUR, frames=40, lines=[line])

    first, second = place.report(archive), place.report(archive)

    assert counts(first) == (4, 4, 0, 0)
    assert counts(second) == (4, 0, 4, 0)
    assert second["skipped"] == {"already indexed": 4}
    found = place.tracklets()
    assert len(found) == 4
    (zoe,) = [item for item in found.values() if item.identity == "Zoë"]
    assert zoe.tracklet_id.startswith("my_archive:Kam:o_7:")
    assert (zoe.camera, zoe.received, len(zoe.sampled)) == ("Käm", 40, 32)
    assert zoe.captured_at is not None
    assert format_time(zoe.captured_at) == "2024-05-01T12:00:00Z"


def test_equal_names_in_two_archives_do_no_harm(tmp_path: Path, place: Place) -> None:
    one = write_tracklets(tmp_path / "monday", {"c/t": 1})
    other = write_tracklets(tmp_path / "tuesday", {"c/t": 2})
    same_name = write_tracklets(tmp_path / "other disk" / "monday", {"c/t": 3})

    place.report(one)
    place.report(other)
    clash = place.run(same_name, "--json")
    named = place.report(same_name, "--name", "monday of the other disk")

    assert clash.exit_code == 1
    assert "--name" in json.loads(clash.stdout)["failures"][0]["reason"]
    assert counts(named) == (1, 1, 0, 0)
    assert len(place.tracklets()) == 3


def test_one_bad_file_never_stops_the_run(tmp_path: Path, place: Place) -> None:
    archive = write_tracklets(tmp_path / "archive", FOUR)
    (archive / "cam 1" / "t1" / "0002.jpg").write_bytes(b"no picture")
    (archive / "cam 1" / "empty").mkdir()
    (archive / "Käm" / "t1" / "0003.jpg").unlink()
    (archive / "Käm" / "t1" / "0003.jpg").symlink_to("/etc/passwd")
    os.mkfifo(archive / "Käm" / "t1" / "0009.jpg")
    (archive / "out").symlink_to(tmp_path)

    report = place.report(archive, "--report", tmp_path / "report.json")

    assert counts(report) == (5, 3, 0, 2)
    reasons = {failure["place"]: failure["reason"] for failure in report["failures"]}
    assert reasons == {
        "cam 1/t1": "0002.jpg: the file is no JPEG, PNG or WebP picture",
        "cam 1/empty": "no picture in the folder",
        "Käm/t1/0003.jpg": "a symbolic link, which could lead out of the archive",
        "Käm/t1/0009.jpg": "not a regular file",
        "out": "a symbolic link, which could lead out of the archive",
    }
    assert report["refused"] == 3
    assert json.loads((tmp_path / "report.json").read_text()) == report


def test_the_ledger_keeps_what_failed_until_it_is_mended(tmp_path: Path, place: Place) -> None:
    archive = write_tracklets(tmp_path / "archive", {"c/good": 1, "c/bad": 2})
    good = (archive / "c" / "bad" / "0001.jpg").read_bytes()
    (archive / "c" / "bad" / "0001.jpg").write_bytes(b"")
    here = Archive(archive, "archive")

    place.report(archive)
    place.report(archive)
    with Ledger(place.gallery) as ledger:
        (failure,) = ledger.failures(here)
    (archive / "c" / "bad" / "0001.jpg").write_bytes(good)
    mended = place.report(archive)

    assert (failure.place, failure.attempts) == ("c/bad", 2)
    assert failure.reason == "0001.jpg: the file is empty"
    assert counts(mended) == (2, 1, 1, 0)
    with Ledger(place.gallery) as ledger:
        assert ledger.failures(here) == []


def test_changed_pictures_do_not_replace_what_is_enrolled(tmp_path: Path, place: Place) -> None:
    archive = write_tracklets(tmp_path / "archive", {"c/t": 1, "c/u": 2})
    place.report(archive)
    (archive / "c" / "t" / "0004.jpg").unlink()

    report = place.report(archive)

    assert counts(report) == (2, 0, 1, 1)
    assert "other content" in report["failures"][0]["reason"]


def test_who_was_erased_stays_away_unless_asked_for(tmp_path: Path, place: Place) -> None:
    archive = write_tracklets(tmp_path / "archive", {"c/t": 1, "c/u": 2})
    place.report(archive)
    with place.open() as gallery:
        gallery.erase(next(iter(place.tracklets())), actor="test")

    kept_out = place.report(archive)
    brought_back = place.report(archive, "--include-erased")

    assert kept_out["skipped"] == {"already indexed": 1, "erased before": 1}
    assert counts(brought_back) == (2, 1, 1, 0)


def test_boxes_beside_a_video_are_its_tracklets(tmp_path: Path, place: Place) -> None:
    archive = write_mot(tmp_path / "archive", "door_20240501T120000Z", [1, 2], frames=40)
    with (archive / "door_20240501T120000Z.txt").open("a") as boxes:
        boxes.write("1,9,oops\n30,3,5000,10,30,60,1\n")

    report = place.report(archive)

    assert report["layout"] == "mot"
    assert counts(report) == (3, 2, 0, 1)
    assert {failure["reason"] for failure in report["failures"]} == {
        "1 malformed line: line 81: fewer than six fields",
        "no box of it lies inside the picture",
    }
    first = min(place.tracklets().values(), key=lambda item: item.tracklet_id)
    assert first.tracklet_id.startswith("archive:door_20240501T120000Z.mp4:1:")
    assert (first.camera, first.received, len(first.sampled)) == ("door", 40, 32)
    assert first.captured_at is not None
    assert first.captured_until is not None
    assert format_time(first.captured_at) == "2024-05-01T12:00:00Z"
    assert format_time(first.captured_until) == "2024-05-01T12:00:03.900000Z"
    assert counts(place.report(archive)) == (3, 0, 2, 1)


def test_a_frame_rate_in_the_sidecar_overrules_the_videos(tmp_path: Path, place: Place) -> None:
    archive = write_mot(tmp_path / "archive", "door", [1], frames=9)
    (archive / "door.json").write_text('{"start": "2024-05-01T12:00:00Z", "fps": 2}')

    place.report(archive)

    (found,) = place.tracklets().values()
    assert found.captured_until is not None
    assert format_time(found.captured_until) == "2024-05-01T12:00:04Z"


def test_a_broken_video_is_passed_over(tmp_path: Path, place: Place) -> None:
    archive = write_mot(tmp_path / "archive", "good", [1], frames=9)
    write_mot(archive, "bad", [2], frames=9)
    (archive / "bad.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(500))

    report = place.report(archive)

    assert counts(report) == (2, 1, 0, 1)
    assert report["failures"][0]["place"] == "bad.mp4/1"


def test_people_are_found_and_followed_in_a_bare_video(tmp_path: Path, place: Place) -> None:
    archive = tmp_path / "archive"
    write_video(archive / "door.mp4", [1, 2, 3], frames=20, drift=0)
    detector = make_detector(tmp_path / "detector.onnx")
    flags = ("--detector", detector, "--start", "2024-05-01T12:00:00Z")

    first, second = place.report(archive, *flags), place.report(archive, *flags)

    assert first["layout"] == "video"
    assert counts(first) == (3, 3, 0, 0)
    assert counts(second) == (3, 0, 3, 0)
    assert all(item.received >= 18 for item in place.tracklets().values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--layout", "video"), "--detector"),
        (("--layout", "video", "--detector", "/nowhere"), "--detector: no file"),
        (("--start", "noon"), "--start must be an RFC 3339 time"),
        (("--start", "2024-05-01T12:00:00Z"), "--start is for the layouts mot and video"),
        (("--name", "a/b"), "--name must be a plain name"),
        (("--report", "/nowhere/report.json"), "--report: no folder"),
        (("--layout", "mars"), "wants bbox_test with info"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    tmp_path: Path, place: Place, arguments: tuple[str, ...], message: str
) -> None:
    archive = write_tracklets(tmp_path / "archive", {"c/t": 1})

    result = place.run(archive, *arguments)

    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert not place.gallery.exists()


def test_another_models_gallery_is_refused(tmp_path: Path, place: Place) -> None:
    archive = write_tracklets(tmp_path / "archive", {"c/t": 1})
    place.report(archive)

    result = Place(place.gallery, make_bundle(tmp_path / "other", seed=1)).run(archive)

    assert result.exit_code == 1
    assert "model" in result.stderr


def test_a_full_disk_ends_the_run_in_one_line_and_the_next_run_does_the_rest(
    tmp_path: Path, place: Place
) -> None:
    archive = write_tracklets(tmp_path / "archive", {f"c/t{n}": n for n in range(40)}, frames=8)

    with files_at_most(700_000):
        full = place.run(archive)
        full_again = place.run(archive)

    for result in (full, full_again):
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit)
        assert "error: there is no room left" in result.stderr
    done = len(place.tracklets())
    assert 0 < done < 40
    assert counts(place.report(archive)) == (40, 40 - done, done, 0)


def test_an_archive_of_nothing_but_failures_fails(tmp_path: Path, place: Place) -> None:
    folder = write_crops(tmp_path / "archive" / "c" / "t", person(1, 1))
    (folder / "0001.jpg").write_bytes(b"x")

    assert place.run(tmp_path / "archive").exit_code == 1


def test_the_table_tells_a_person_the_same(tmp_path: Path, place: Place) -> None:
    archive = write_tracklets(tmp_path / "archive", FOUR)
    (archive / "cam 1" / "t1" / "0001.jpg").write_bytes(b"x")

    result = place.run(archive)

    lines = [" ".join(line.replace("│", " ").split()) for line in result.stdout.splitlines()]
    assert "found 4" in lines
    assert "failed 1" in lines
    assert any(line.startswith("indexed 3 ") for line in lines)
    assert "cam 1/t1: 0001.jpg: the file is no JPEG, PNG or WebP picture" in result.stderr
