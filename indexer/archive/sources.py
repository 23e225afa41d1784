"""What a layout finds in an archive, before a single pixel is decoded.

A layout yields three things: tracklets that lie there as pictures, videos that hold tracklets, and
what it refuses to touch, with the reason. Nothing here reads a file.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from model.names import MAX_NAME

_HASH_DIGITS = 12
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Archive:
    """A folder to be indexed. `name` is its part of every tracklet's id."""

    root: Path
    name: str

    def place(self, path: Path) -> str:
        """A path below the root, as people and the ledger know it."""
        return path.relative_to(self.root).as_posix()

    def tracklet_id(self, place: str) -> str:
        """A valid id that is stable between runs and differs wherever archive or place differ.

        The readable part loses what an id may not hold; the hash over the exact bytes of both
        names keeps apart what then looks the same.
        """
        exact = os.fsencode(self.name) + b"\0" + os.fsencode(place)
        digest = hashlib.sha256(exact).hexdigest()[:_HASH_DIGITS]
        parts = [_readable(part) for part in (self.name, *place.split("/"))]
        readable = ":".join(part for part in parts if part) or "tracklet"
        return f"{readable[: MAX_NAME - 1 - _HASH_DIGITS]}:{digest}"


def _readable(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return _UNSAFE.sub("_", plain).strip("._-")


@dataclass(frozen=True)
class Label:
    """What is known of a tracklet besides its pixels. Times are aware and in UTC."""

    tracklet_id: str
    place: str
    """Where it lies below the archive; a track's number stands behind its video's name."""
    camera: str | None
    identity: str | None = None
    captured_at: datetime | None = None
    captured_until: datetime | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def refused(self, reason: str) -> "Refusal":
        """The tracklet as one that is not indexed."""
        return Refusal(self.place, reason, self.tracklet_id)


@dataclass(frozen=True)
class Pictures:
    """A tracklet whose crops lie there as picture files, in temporal order."""

    label: Label
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Footage:
    """A video in which people walk about."""

    video: Path
    place: str
    camera: str
    start: datetime | None
    """Time of the first frame."""
    fps: float | None
    """Frames per second where a sidecar overrules the container."""
    boxes: Path | None
    """MOTChallenge text with the tracks; None where they have to be found."""


@dataclass(frozen=True)
class Refusal:
    """Something in the archive that is not indexed, and why."""

    place: str
    reason: str
    tracklet_id: str | None = None


Source = Pictures | Footage | Refusal
