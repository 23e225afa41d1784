from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.archive.detector import PersonDetector, load_detector
from indexer.archive.tracking import (
    DetectionBook,
    FrameDetections,
    detect,
    follow,
    frame_rate,
)
from model.clip import ClipFrame, read_clip_frames
from model.errors import GalleryLocked
from model.limits import DecodeLimits
from tests.support.archives import write_video
from tests.support.fake_detector import make_detector

FRAMES = 24


def seen(frame: int, *people: tuple[float, float], score: float = 0.9) -> FrameDetections:
    """People of 30 x 60 pixels at the given corners."""
    boxes = np.array([[x, y, 30, 60] for x, y in people], dtype=np.float32).reshape(-1, 4)
    return FrameDetections(boxes, np.full(len(boxes), score, dtype=np.float32), frame / 10)


def nothing(_: int) -> None:
    pass


class Counting(PersonDetector):
    """A detector that counts what it has been shown."""

    def __init__(self, inner: PersonDetector) -> None:
        self._inner, self.shown = inner, 0

    def find(self, picture, least_score):  # type: ignore[no-untyped-def]
        self.shown += 1
        return self._inner.find(picture, least_score)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    write_video(tmp_path / "c.mp4", [1, 2], FRAMES, drift=0)
    return tmp_path / "c.mp4"


@pytest.fixture
def detector(tmp_path: Path) -> Counting:
    return Counting(load_detector(make_detector(tmp_path / "d.onnx"), "cpu", threads=1))


def frames_of(video: Path, most: int | None = None) -> Iterator[ClipFrame]:
    """The video's frames, as if the process were killed after `most` of them."""
    for frame in read_clip_frames(video, DecodeLimits()):
        if frame.index == most:
            raise KeyboardInterrupt
        yield frame


def same(one: list[FrameDetections], other: list[FrameDetections]) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(a.boxes, b.boxes)
        and np.array_equal(a.scores, b.scores)
        and a.seconds == b.seconds
        for a, b in zip(one, other, strict=True)
    )


def test_detection_goes_on_where_it_was_killed(
    tmp_path: Path, video: Path, detector: Counting
) -> None:
    with DetectionBook(tmp_path / "whole") as book:
        whole = detect(frames_of(video), detector, book, nothing)
    detector.shown = 0

    with pytest.raises(KeyboardInterrupt), DetectionBook(tmp_path / "torn") as book:
        detect(frames_of(video, most=10), detector, book, nothing)
    with (tmp_path / "torn").open("ab") as file:
        file.write(b"[0.9, [[1.0, 2")  # the kill came in the middle of a line
    with DetectionBook(tmp_path / "torn") as book:
        resumed = detect(frames_of(video), detector, book, nothing)

    assert detector.shown == FRAMES
    assert same(resumed, whole)


def test_a_finished_video_is_not_even_opened(
    tmp_path: Path, video: Path, detector: Counting
) -> None:
    with DetectionBook(tmp_path / "book") as book:
        first = detect(frames_of(video), detector, book, nothing)

    def unopened() -> Iterator[ClipFrame]:
        raise AssertionError("the video was opened")
        yield

    with DetectionBook(tmp_path / "book") as book:
        assert same(detect(unopened(), detector, book, nothing), first)


def test_two_runs_do_not_write_one_book(tmp_path: Path) -> None:
    with DetectionBook(tmp_path / "book"), pytest.raises(GalleryLocked):
        DetectionBook(tmp_path / "book")


def test_another_detector_begins_another_book(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        with DetectionBook.of(tmp_path, "00", tmp_path / name):
            pass

    books = list((tmp_path / "detections").iterdir())
    assert len(books) == 2
    assert all(book.stat().st_mode & 0o077 == 0 for book in books)


def test_frames_without_people_are_kept_too(tmp_path: Path) -> None:
    with DetectionBook(tmp_path / "book") as book:
        book.append(seen(0))
        book.append(seen(1, (3, 4)))
    with DetectionBook(tmp_path / "book") as book:
        found, complete = book.read()

    assert [len(frame.boxes) for frame in found] == [0, 1]
    assert not complete


def test_two_people_who_walk_are_two_tracks() -> None:
    walk = [seen(t, (10 + 3 * t, 20), (200 - 3 * t, 100)) for t in range(20)]

    tracks = follow(walk, fps=10)

    assert len(tracks) == 2
    assert all(len(track.frames) >= 18 for track in tracks)
    assert [round(float(track.boxes[-1][0])) for track in tracks] == [67, 143]


def test_who_is_hidden_for_a_moment_keeps_the_track() -> None:
    walk = [seen(t, (10 + 3 * t, 20)) if not 8 <= t < 13 else seen(t) for t in range(24)]

    (track,) = follow(walk, fps=10)

    assert not {8, 9, 10, 11, 12} & set(track.frames.tolist())
    assert track.frames[-1] == 23


def test_who_comes_back_later_is_another_track() -> None:
    walk = [seen(t, (10, 20)) if t < 12 or t >= 40 else seen(t) for t in range(60)]

    assert len(follow(walk, fps=10)) == 2


def test_glimpses_and_weak_detections_begin_no_track() -> None:
    glimpse = [seen(t, (10, 20)) if t < 5 else seen(t) for t in range(30)]
    weak = [seen(t, (10, 20), score=0.3) for t in range(30)]

    assert follow(glimpse, fps=10) == ()
    assert follow(weak, fps=10) == ()


def test_the_frame_rate_comes_from_the_time_stamps() -> None:
    assert frame_rate([seen(t) for t in range(11)]) == pytest.approx(10)
    assert frame_rate([seen(0)]) == 25
    assert frame_rate([]) == 25
