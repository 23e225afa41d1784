"""Where one person is in a video, frame by frame, and the MOTChallenge text that says so."""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.archive.files import read_text

MAX_TEXT_BYTES = 1 << 30


@dataclass(frozen=True)
class Track:
    """One person's boxes in the order of time."""

    number: int
    frames: NDArray[np.int64]
    """0-based frame numbers, strictly increasing, [n]."""
    boxes: NDArray[np.float32]
    """x, y, width, height in pixels of each frame, [n, 4]."""

    def as_json(self) -> bytes:
        """The boxes as an upload would carry them: `[[frame_index, x, y, width, height], …]`."""
        rows = [
            [int(frame), *(round(float(side), 2) for side in box)]
            for frame, box in zip(self.frames, self.boxes, strict=True)
        ]
        return json.dumps(rows, separators=(",", ":")).encode()


Row = tuple[int, int, float, float, float, float]
"""Frame (0-based), track, x, y, width, height."""


def gather(rows: Iterable[Row], fewest: int = 1) -> tuple[Track, ...]:
    """Rows in any order as tracks in the order of their numbers.

    Tracks of fewer than `fewest` frames are left out; of two boxes of one track in one frame the
    first counts.
    """
    tracks: dict[int, dict[int, tuple[float, ...]]] = {}
    for frame, number, *box in rows:
        tracks.setdefault(number, {}).setdefault(frame, tuple(box))
    return tuple(
        Track(
            number,
            np.array(sorted(boxes), dtype=np.int64),
            np.array([boxes[frame] for frame in sorted(boxes)], dtype=np.float32),
        )
        for number, boxes in sorted(tracks.items())
        if len(boxes) >= fewest
    )


@dataclass(frozen=True)
class MotText:
    """What a MOTChallenge file says, and which of its lines say nothing."""

    tracks: tuple[Track, ...]
    malformed: tuple[tuple[int, str], ...]
    """Line numbers (1-based) and what is wrong with them."""


def read_mot(path: Path) -> MotText:
    """Read `frame,id,x,y,width,height,conf,…` with 1-based frames.

    A line whose confidence is exactly 0 is left out: that is how the ground truth of the challenge
    marks what is not to be considered. Raises `Unreadable` for the file as a whole.
    """
    malformed: list[tuple[int, str]] = []
    text = read_text(path, MAX_TEXT_BYTES)
    return MotText(gather(_rows(text, malformed)), tuple(malformed))


def _rows(text: str, malformed: list[tuple[int, str]]) -> Iterator[Row]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = _row(line)
        except ValueError as error:
            malformed.append((number, str(error)))
            continue
        if row is not None:
            yield row


def _row(line: str) -> Row | None:
    fields = line.replace(",", " ").split()
    if len(fields) < 6:
        raise ValueError("fewer than six fields")
    try:
        frame, track, x, y, width, height, *rest = (float(field) for field in fields[:7])
    except ValueError as error:
        raise ValueError("a field is not a number") from error
    if not all(map(math.isfinite, (frame, track, x, y, width, height))):
        raise ValueError("a field is not finite")
    if frame < 1 or frame != int(frame) or frame > 2**31:
        raise ValueError("frames are whole numbers from 1")
    if track < 0 or track != int(track) or track > 2**53:
        raise ValueError("no track number")
    if width <= 0 or height <= 0 or max(map(abs, (x, y, width, height))) > 1e6:
        raise ValueError("a box without area, or outside any picture")
    if rest and rest[0] == 0:
        return None
    return int(frame) - 1, int(track), x, y, width, height
