"""From a source to a tracklet that is ready for the model, or the reason why it is not.

The cheap question comes first: a tracklet that the gallery holds with the same content is not even
decoded. Whatever is wrong with one source ends in a `Refusal` and never in an exception.
"""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Self

from indexer.archive.crops import CutTrack, cut_out
from indexer.archive.reading import PictureReader
from indexer.archive.sources import Footage, Label, Pictures, Refusal
from indexer.archive.tracks import Track
from indexer.content import content_sha256
from indexer.protocol import Gallery
from model.clip import read_clip_frames
from model.decode import DecodedTracklet
from model.errors import InputRefused, NotFound, TrackletExists
from model.runtime import TrackletEmbedding

ALREADY_INDEXED: Final = "already indexed"
ERASED: Final = "erased before"


@dataclass(frozen=True)
class Ready:
    """A tracklet whose pixels are those that the model takes."""

    label: Label
    content_sha256: bytes
    decoded: DecodedTracklet
    pictures: tuple[bytes, ...]


@dataclass(frozen=True)
class Skipped:
    """A tracklet that needs nothing."""

    label: Label
    reason: str


@dataclass(frozen=True)
class Embedded:
    """A tracklet with everything that the gallery will hold."""

    label: Label
    content_sha256: bytes
    received: int
    sampled: tuple[int, ...]
    pictures: tuple[bytes, ...]
    answer: TrackletEmbedding

    @classmethod
    def of(cls, ready: Ready, answer: TrackletEmbedding) -> Self:
        decoded = ready.decoded
        return cls(
            ready.label,
            ready.content_sha256,
            decoded.received,
            decoded.sampled,
            ready.pictures,
            answer,
        )


Prepared = Ready | Skipped | Refusal
Outcome = Embedded | Skipped | Refusal


@dataclass(frozen=True)
class TrackedFootage:
    """A video whose tracks are known."""

    footage: Footage
    tracks: tuple[Track, ...]
    video_sha256: str


class Preparation:
    """Prepares the sources of one archive for one gallery and one model. Thread-safe."""

    def __init__(
        self,
        reader: PictureReader,
        gallery: Gallery,
        *,
        keep_pictures: bool,
        include_erased: bool,
    ) -> None:
        self.reader, self._gallery = reader, gallery
        self.keep_pictures, self._include_erased = keep_pictures, include_erased

    def is_new(self, label: Label) -> bool:
        """Whether the gallery knows nothing of a tracklet, whatever its content."""
        if not self._include_erased and self._gallery.is_erased(label.tracklet_id):
            return False
        try:
            self._gallery.get(label.tracklet_id)
        except NotFound:
            return True
        return False

    def of_pictures(self, source: Pictures) -> Prepared:
        """Read, compare with the gallery, decode."""
        content = self.reader.read(source)
        if isinstance(content, Refusal):
            return content
        known = self._known(source.label, content.sha256)
        if known is not None:
            return known
        decoded = self.reader.decode(source, content)
        if isinstance(decoded, Refusal):
            return decoded
        return self._ready(source.label, content.sha256, decoded)

    def of_footage(self, tracked: TrackedFootage) -> Generator[Prepared, None, None]:
        """Cut out every track that the gallery lacks; opens the video only where there is one."""
        missing: dict[int, Track] = {}
        for track in tracked.tracks:
            known = self._known(self._label(tracked.footage, track), _content(tracked, track))
            if known is None:
                missing[track.number] = track
            else:
                yield known
        if not missing:
            return
        reason = "the video ends before it"
        try:
            with closing(read_clip_frames(tracked.footage.video, self.reader.limits)) as frames:
                for cut in cut_out(frames, tuple(missing.values()), self.reader.manifest):
                    del missing[cut.track.number]
                    yield self._of_cut(tracked, cut)
        except InputRefused as refusal:
            reason = refusal.detail
        for track in missing.values():
            yield self._label(tracked.footage, track).refused(reason)

    def _of_cut(self, tracked: TrackedFootage, cut: CutTrack) -> Prepared:
        label = _timed(self._label(tracked.footage, cut.track), tracked.footage, cut)
        if cut.decoded is None:
            return label.refused("no box of it lies inside the picture")
        return self._ready(label, _content(tracked, cut.track), cut.decoded)

    def _known(self, label: Label, content_sha256: bytes) -> Skipped | Refusal | None:
        """What the gallery already says about a tracklet, None where it has to be indexed."""
        try:
            same = self._gallery.find_same(label.tracklet_id, content_sha256)
        except TrackletExists:
            return label.refused(
                "indexed before with other content: it has changed since, or another archive has "
                "the same name (then give this one another with --name)",
            )
        if same is not None:
            return Skipped(label, ALREADY_INDEXED)
        if not self._include_erased and self._gallery.is_erased(label.tracklet_id):
            return Skipped(label, ERASED)  # whoever was erased is not even looked at
        return None

    def _ready(self, label: Label, content_sha256: bytes, decoded: DecodedTracklet) -> Ready:
        pictures = tuple(decoded.pictures()) if self.keep_pictures else ()
        return Ready(label, content_sha256, decoded, pictures)

    def _label(self, footage: Footage, track: Track) -> Label:
        place = f"{footage.place}/{track.number}"
        return Label(self.reader.archive.tracklet_id(place), place, footage.camera)


def _content(tracked: TrackedFootage, track: Track) -> bytes:
    """That of an upload of the whole video as `clip` with the track as `boxes`."""
    return content_sha256([bytes.fromhex(tracked.video_sha256)], track.as_json())


def _timed(label: Label, footage: Footage, cut: CutTrack) -> Label:
    """The label with the times of the first and the last frame, where the video's start is known.

    The frame rate that a sidecar gives overrules the video's own time stamps.
    """
    if footage.start is None:
        return label
    begins, ends = cut.begins, cut.ends
    if footage.fps is not None:
        begins, ends = (int(cut.track.frames[place]) / footage.fps for place in (0, -1))
    return replace(
        label,
        captured_at=footage.start + timedelta(seconds=begins),
        captured_until=footage.start + timedelta(seconds=ends),
    )
