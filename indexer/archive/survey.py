"""What a run has before it: how many tracklets, and the tracks of every video.

A survey goes over the whole archive once and keeps next to nothing of it, so that the number of
tracklets is known (for the time left) while memory stays flat; the run then goes over it again.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from indexer.archive.detector import PersonDetector
from indexer.archive.files import Unreadable, is_regular, printable, stays_inside
from indexer.archive.layouts import Found, scan
from indexer.archive.preparation import TrackedFootage
from indexer.archive.sources import Archive, Footage, Pictures, Refusal, Source
from indexer.archive.tracking import DetectionBook, detect, follow, frame_rate
from indexer.archive.tracks import Track, read_mot
from model.bundle import file_sha256
from model.clip import read_clip_frames
from model.errors import InputRefused, InvalidParameter
from model.limits import DecodeLimits

Advance = Callable[[int, str], None]
"""Hears of progress: videos finished since the last call, and what is under way."""


class Tracker:
    """Finds and follows the people of videos; its findings are kept in the gallery's folder."""

    def __init__(
        self, detector: PersonDetector, file: Path, gallery: Path, limits: DecodeLimits
    ) -> None:
        """`file` is the detector's: its content is part of what the findings are kept under."""
        self._detector, self._file, self._gallery, self._limits = detector, file, gallery, limits

    def tracks(
        self, footage: Footage, video_sha256: str, on_frame: Callable[[int], None]
    ) -> tuple[Track, ...]:
        """Raises `UndecodableClip`, `ClipTooLarge`, `InvalidParameter`, `GalleryLocked`."""
        with (
            DetectionBook.of(self._gallery, video_sha256, self._file) as book,
            closing(read_clip_frames(footage.video, self._limits)) as frames,
        ):
            found = detect(frames, self._detector, book, on_frame)
        return follow(found, footage.fps or frame_rate(found))


@dataclass
class Survey:
    """An archive that has been gone over once."""

    archive: Archive
    layout: Found
    start: datetime | None
    tracklets: int = 0
    videos: list[TrackedFootage] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    """Found wrong with videos and their boxes while surveying."""

    def pictures(self) -> Iterator[Pictures | Refusal]:
        """Everything but the videos; scans the archive anew."""
        yield from self.refusals
        for source in scan(self.archive, self.layout, self.start):
            if not isinstance(source, Footage):
                yield source


def take_survey(
    archive: Archive,
    layout: Found,
    start: datetime | None,
    tracker: Tracker | None,
    advance: Advance,
) -> Survey:
    """Scan an archive; read or find the tracks of its videos.

    Raises `InvalidParameter` where the archive cannot be scanned, or videos want a detector.
    """
    survey = Survey(archive, layout, start)
    for source in scan(archive, layout, start):
        if isinstance(source, Footage):
            _survey_video(survey, source, tracker, advance)
            advance(1, source.place)
        else:
            survey.tracklets += _is_tracklet(source)
    return survey


def _is_tracklet(source: Source) -> bool:
    return isinstance(source, Pictures) or (
        isinstance(source, Refusal) and source.tracklet_id is not None
    )


def _survey_video(
    survey: Survey, footage: Footage, tracker: Tracker | None, advance: Advance
) -> None:
    try:
        if not stays_inside(survey.archive, footage.video.parent) or not is_regular(footage.video):
            raise Unreadable("not a regular file of the archive")
        video_sha256 = file_sha256(footage.video)
        if footage.boxes is not None:
            tracks = _boxed(survey, footage.boxes)
        elif tracker is None:
            raise InvalidParameter("videos without boxes want a person detector: --detector FILE")
        else:
            tracks = tracker.tracks(
                footage, video_sha256, lambda frame: advance(0, f"{footage.place}: frame {frame}")
            )
    except InvalidParameter:
        raise  # the call, not the video, is at fault
    except (InputRefused, Unreadable, OSError) as error:
        survey.refusals.append(Refusal(footage.place, str(error)))
    else:
        survey.tracklets += len(tracks)
        survey.videos.append(TrackedFootage(footage, tracks, video_sha256))


def _boxed(survey: Survey, boxes: Path) -> tuple[Track, ...]:
    """The tracks of a MOTChallenge text; its malformed lines become one refusal."""
    text = read_mot(boxes)
    if text.malformed:
        number, reason = text.malformed[0]
        count = len(text.malformed)
        lines = "1 malformed line" if count == 1 else f"{count} malformed lines, the first"
        place = printable(survey.archive.place(boxes))
        survey.refusals.append(Refusal(place, f"{lines}: line {number}: {reason}"))
    return text.tracks
