"""Cuts the tracked people out of a video in one pass over its frames.

Which frames of a track the model will see is known before the video is opened, so only those are
cut out, and a track's crops are let go as soon as it has ended. Memory follows the
people who are in the picture, not the video's length.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexer.archive.tracks import Track
from model.boxes import Box
from model.bundle import Manifest
from model.clip import ClipFrame
from model.decode import DecodedTracklet, resize_frame
from model.errors import InvalidParameter
from model.sampling import central_indices

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class CutTrack:
    """A track as the video showed it."""

    track: Track
    decoded: DecodedTracklet | None
    """None where no box lay inside the picture while the video lasted."""
    begins: float
    """When its first frame stood in the picture, in seconds from the video's first."""
    ends: float


@dataclass
class _Wanted:
    """A track and what has been cut out of it so far."""

    track: Track
    places: list[int]
    """Which of the track's frames are sampled."""
    taken: list[tuple[int, Rgb]] = field(default_factory=list)

    @property
    def last(self) -> int:
        """The video's frame with which the track ends."""
        return int(self.track.frames[-1])

    def cut(self, seconds: Sequence[float]) -> CutTrack:
        """`seconds` are the times of the frames up to the last one wanted."""
        first, last = (min(int(self.track.frames[k]), len(seconds) - 1) for k in (0, -1))
        begins, ends = (seconds[first], seconds[last]) if seconds else (0.0, 0.0)
        return CutTrack(self.track, self._decoded(), begins, ends)

    def _decoded(self) -> DecodedTracklet | None:
        if not self.taken:
            return None
        boxes = self.track.boxes
        return DecodedTracklet(
            frames=np.stack([crop for _, crop in self.taken]),
            received=len(self.track.frames),
            sampled=tuple(place for place, _ in self.taken),
            crops_wider_than_high=int((boxes[:, 2] > boxes[:, 3]).sum()),
        )


def cut_out(
    frames: Iterable[ClipFrame], tracks: Sequence[Track], manifest: Manifest
) -> Iterator[CutTrack]:
    """Every track once, in the order in which they end; `frames` are read no further than needed.

    A sampled box outside the picture, or behind the end of a video that is shorter than its
    boxes say, leaves a track with fewer frames.
    """
    wanted = [_wanted(track, manifest.frames_per_tracklet) for track in tracks]
    wanted.sort(key=lambda one: (one.last, one.track.number))
    due = _by_frame(wanted)
    seconds: list[float] = []
    done = 0
    for frame in frames:
        seconds.append(frame.seconds)
        for one, place in due.pop(frame.index, ()):
            crop = _crop(frame.rgb, one.track, place)
            if crop is not None:
                resized = resize_frame(crop, manifest.frame_height, manifest.frame_width)
                one.taken.append((place, resized.copy()))  # a view would keep the whole frame
        while done < len(wanted) and wanted[done].last <= frame.index:
            yield wanted[done].cut(seconds)
            wanted[done].taken.clear()
            done += 1
        if done == len(wanted):
            return
    for one in itertools.islice(wanted, done, None):
        yield one.cut(seconds)


def _wanted(track: Track, frames_per_tracklet: int) -> _Wanted:
    return _Wanted(track, central_indices(len(track.frames), frames_per_tracklet).tolist())


def _by_frame(wanted: Iterable[_Wanted]) -> dict[int, list[tuple[_Wanted, int]]]:
    """The video's frame -> who is to be cut out of it, and the place in their track."""
    due: dict[int, list[tuple[_Wanted, int]]] = {}
    for one in wanted:
        for place in one.places:
            due.setdefault(int(one.track.frames[place]), []).append((one, place))
    return due


def _crop(picture: Rgb, track: Track, place: int) -> Rgb | None:
    box = Box(int(track.frames[place]), *(float(side) for side in track.boxes[place]))
    try:
        left, top, right, bottom = box.corners(*picture.shape[:2])
    except InvalidParameter:
        return None
    return picture[top:bottom, left:right]
