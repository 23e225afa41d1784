"""From a video to the tracks of its people: detector, then ByteTrack (Zhang et al. 2022).

Detection is by far the dearest step, so its results are kept beside the gallery, frame by frame:
a run that was killed goes on where it stopped, and a second run detects nothing at all. The tracks
are made from the kept detections and are the same every time.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import numpy as np

from indexer.archive.detector import Detections, PersonDetector
from indexer.archive.tracks import Row, Track, gather
from model.bundle import file_sha256
from model.clip import ClipFrame
from model.errors import GalleryLocked, InvalidParameter

LEAST_SCORE = 0.1
"""Detections below this are not kept at all; ByteTrack makes use of weak ones."""
SURE_SCORE = 0.5
"""A detection at least this sure may begin a track and is matched first."""
LOST_SECONDS = 1.0
"""For how long a person may be out of sight and keep the track."""
FEWEST_FRAMES = 8
"""Shorter tracks are left out: mostly false alarms and people cut by the picture's edge."""

_FOLDER = "detections"
_END = b'"end"\n'


@dataclass(frozen=True)
class FrameDetections(Detections):
    """The people in one frame of a video."""

    seconds: float
    """Since the video's first frame."""


class DetectionBook:
    """The detections of one video by one detector: a JSON line per frame, and a last one.

    The file's name is made of both files' contents, so that a changed video or another detector
    never meets old boxes. Boxes only: no picture, no vector. Open while it is read and written,
    and locked against a second run meanwhile.
    """

    def __init__(self, path: Path) -> None:
        """Raises `GalleryLocked` where another run works on the same video."""
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise GalleryLocked("another run is detecting people in the same video") from error

    @classmethod
    def of(cls, gallery: Path, video_sha256: str, detector: Path) -> Self:
        """The book in a gallery's folder, begun where there is none."""
        key = f"{video_sha256} {file_sha256(detector)} {LEAST_SCORE}"
        folder = gallery / _FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        return cls(folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.jsonl")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self) -> tuple[list[FrameDetections], bool]:
        """The frames that were written whole, and whether they are all of them.

        What a kill tore off is cut away; the next `append` goes on behind what is left.
        """
        frames: list[FrameDetections] = []
        end = 0
        self._file.seek(0)
        for line in self._file:
            if line == _END:
                return frames, True
            detections = _parse(line)
            if detections is None:
                break
            frames.append(detections)
            end += len(line)
        self._file.seek(end)
        self._file.truncate()
        return frames, False

    def append(self, detections: FrameDetections) -> FrameDetections:
        """Write down one more frame. Returns it as a later `read` will give it."""
        rows = np.column_stack([detections.boxes, detections.scores]).tolist()
        rounded = [[round(value, 3) for value in row] for row in rows]
        line = json.dumps([round(detections.seconds, 6), rounded]).encode() + b"\n"
        self._file.write(line)
        self._file.flush()
        return _parsed(line)

    def finish(self) -> None:
        """State that no frame follows."""
        self._file.write(_END)
        self._file.flush()
        os.fsync(self._file.fileno())


def _parse(line: bytes) -> FrameDetections | None:
    """One line's detections; None where it was not written to its end."""
    try:
        return _parsed(line) if line.endswith(b"\n") else None
    except (ValueError, TypeError):
        return None


def _parsed(line: bytes) -> FrameDetections:
    seconds, rows = json.loads(line)
    array = np.array(rows, dtype=np.float32).reshape(-1, 5)
    return FrameDetections(array[:, :4], array[:, 4], float(seconds))


def detect(
    frames: Iterable[ClipFrame],
    detector: PersonDetector,
    book: DetectionBook,
    on_frame: Callable[[int], None],
) -> list[FrameDetections]:
    """The people of every frame; the detector sees only the frames that the book lacks.

    A finished book does not even begin with the frames.
    """
    found, complete = book.read()
    if complete:
        return found
    known = len(found)
    for frame in frames:
        if frame.index >= known:
            people = detector.find(frame.rgb, LEAST_SCORE)
            found.append(book.append(FrameDetections(people.boxes, people.scores, frame.seconds)))
        on_frame(frame.index)
    book.finish()
    return found


def require_tracker() -> None:
    """Raises `InvalidParameter` where the extra with ByteTrack is not installed."""
    if find_spec("trackers") is None or find_spec("supervision") is None:
        raise InvalidParameter(
            "following people through a video needs the extra 'video', which is not installed"
        )


def frame_rate(frames: Sequence[FrameDetections]) -> float:
    """Frames per second by the video's own time stamps; 25 where they say nothing."""
    lasted = frames[-1].seconds - frames[0].seconds if frames else 0.0
    return (len(frames) - 1) / lasted if lasted > 0 else 25.0


def follow(frames: Iterable[FrameDetections], fps: float) -> tuple[Track, ...]:
    """Join the detections of successive frames into tracks of at least `FEWEST_FRAMES` frames.

    A track is kept whole however long it is: the sampling spreads its frames over all of it. Weak
    boxes inside a track are kept too. Raises `InvalidParameter` where the extra is not installed.
    """
    require_tracker()
    from supervision import Detections as Boxes
    from trackers import ByteTrackTracker

    tracker = ByteTrackTracker(
        lost_track_buffer=round(30 * LOST_SECONDS),  # it counts in frames of 30 a second
        frame_rate=fps,
        track_activation_threshold=SURE_SCORE,
        high_conf_det_threshold=SURE_SCORE,
    )

    def rows() -> Iterator[Row]:
        for frame, found in enumerate(frames):
            corners = np.concatenate(
                [found.boxes[:, :2], found.boxes[:, :2] + found.boxes[:, 2:]], axis=1
            )
            tracked = tracker.update(Boxes(xyxy=corners, confidence=found.scores))
            for (x, y, right, bottom), number in zip(tracked.xyxy, tracked.tracker_id, strict=True):
                if number >= 0:
                    yield (
                        frame,
                        int(number),
                        float(x),
                        float(y),
                        float(right - x),
                        float(bottom - y),
                    )

    return gather(rows(), FEWEST_FRAMES)
