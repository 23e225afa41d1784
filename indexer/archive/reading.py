"""A tracklet's picture files, read and decoded. Knows no gallery, so that it works anywhere."""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from indexer.archive.files import Unreadable, read_file, stays_inside
from indexer.archive.sources import Archive, Pictures, Refusal
from indexer.content import content_sha256
from model.bundle import Manifest
from model.decode import DecodedTracklet, decode_frames
from model.errors import InputRefused
from model.limits import DecodeLimits

MOST_FRAMES: Final = 20_000
"""Pictures of one tracklet in an archive; beyond it a folder is hardly one walk of one person."""


@dataclass(frozen=True)
class Content:
    """The files of one tracklet, in order."""

    sha256: bytes
    """Over all of them; see `indexer.content`."""
    files: tuple[bytes, ...]


@dataclass(frozen=True)
class PictureReader:
    """Reads tracklets of one archive for one model."""

    archive: Archive
    manifest: Manifest
    limits: DecodeLimits

    def read(self, source: Pictures) -> Content | Refusal:
        """All files, or why one of them must not be read."""
        files = []
        for path in source.files:
            try:
                if not stays_inside(self.archive, path.parent):
                    raise Unreadable("its folder leads out of the archive")
                files.append(read_file(path, self.limits.frame_bytes))
            except Unreadable as error:
                return source.label.refused(f"{path.name}: {error}")
        digests = (hashlib.sha256(file).digest() for file in files)
        return Content(content_sha256(digests), tuple(files))

    def decode(self, source: Pictures, content: Content) -> DecodedTracklet | Refusal:
        """The sampled frames, or which file is no usable picture."""
        manifest = self.manifest
        try:
            return decode_frames(
                content.files,
                manifest.frames_per_tracklet,
                manifest.frame_height,
                manifest.frame_width,
                replace(self.limits, max_frames=MOST_FRAMES),
                threads=1,  # tracklets are decoded side by side, not their pictures
            )
        except InputRefused as refusal:
            name = "" if refusal.frame is None else f"{source.files[refusal.frame].name}: "
            return source.label.refused(name + refusal.detail)
