"""kill -9 in the middle of a run: nothing twice, nothing left out, the gallery whole."""

import signal
from collections import Counter
from pathlib import Path

from indexer.gallery import open_gallery
from indexer.records import Filter
from tests.support.archives import write_mot, write_tracklets
from tests.support.fake_detector import make_detector
from tests.support.running import start


def killed_at(line: str, *arguments: object) -> bool:
    """Run `sightline index` and kill it as soon as it prints `line`. False where it never did."""
    process = start("index", *arguments)
    assert process.stderr is not None
    try:
        printed = any(text.startswith(line) for text in process.stderr)
    finally:
        process.kill()
        process.communicate()
    return printed and process.returncode == -signal.SIGKILL


def finished(*arguments: object) -> None:
    process = start("index", *arguments)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors


def enrolments(gallery: Path) -> Counter[str]:
    """How often each tracklet was enrolled, by the audit log's keyed hashes."""
    with open_gallery(gallery, model_id=None, width=None, create=False) as opened:
        assert opened.verify().ok
        entries = opened.audit(limit=500, cursor=None).items
        stored = opened.list(Filter(), limit=500, cursor=None).items
        enrolled = Counter(str(e.subject_hash) for e in entries if e.action == "enrol")
        assert len(enrolled) == len(stored)
    return enrolled


def test_pictures_are_all_indexed_exactly_once(tmp_path: Path, fake_bundle: Path) -> None:
    archive = write_tracklets(tmp_path / "a", {f"c{n % 3}/t{n}": n for n in range(120)}, frames=8)
    flags = (archive, "--gallery", tmp_path / "g", "--model", fake_bundle)

    kills = [killed_at(f"indexing: {tenth}", *flags) for tenth in (12, 48, 84)]
    between = enrolments(tmp_path / "g")
    finished(*flags)

    assert kills[0]
    assert 12 <= len(between) <= 120
    assert enrolments(tmp_path / "g").total() == 120
    assert set(enrolments(tmp_path / "g").values()) == {1}


def test_a_videos_tracks_are_all_indexed_exactly_once(tmp_path: Path, fake_bundle: Path) -> None:
    for number in range(12):
        write_mot(tmp_path / "a", f"camera{number}", [number, 50 + number], frames=12)
    flags = (tmp_path / "a", "--gallery", tmp_path / "g", "--model", fake_bundle)

    killed = killed_at("indexing: 8/24", *flags)
    between = enrolments(tmp_path / "g")
    finished(*flags)

    assert killed
    assert 8 <= len(between) < 24
    assert set(enrolments(tmp_path / "g").values()) == {1}
    assert len(enrolments(tmp_path / "g")) == 24


def test_detection_that_was_killed_is_taken_up_again(tmp_path: Path, fake_bundle: Path) -> None:
    for number in range(3):
        write_mot(tmp_path / "a", f"camera{number}", [number, 50 + number], frames=16)
    detector = make_detector(tmp_path / "detector.onnx")
    flags = ("--layout", "video", "--detector", detector, "--model", fake_bundle)

    killed = killed_at("finding people: 1/3", tmp_path / "a", "--gallery", tmp_path / "g", *flags)
    finished(tmp_path / "a", "--gallery", tmp_path / "g", *flags)
    finished(tmp_path / "a", "--gallery", tmp_path / "whole", *flags)

    assert killed
    assert len(enrolments(tmp_path / "g")) == len(enrolments(tmp_path / "whole")) > 0
    books = [sorted((tmp_path / name / "detections").iterdir()) for name in ("g", "whole")]
    assert [book.name for book in books[0]] == [book.name for book in books[1]]
    assert [book.read_bytes() for book in books[0]] == [book.read_bytes() for book in books[1]]
