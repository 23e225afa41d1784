"""A question from the command line: what is asked about, and what is wanted of the answer."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from indexer.archive.files import PICTURES, VIDEOS, natural_order
from indexer.records import Filter, Search
from model.errors import InvalidParameter
from model.names import clean_tracklet_id
from model.sampling import central_indices
from model.times import format_time

ENROLLED: Final = "tracklet:"


@dataclass(frozen=True)
class Crops:
    """Pictures of one person, in temporal order."""

    files: tuple[Path, ...]

    def at_most(self, count: int) -> "Crops":
        """These pictures, or `count` of them spread over the whole tracklet."""
        if len(self.files) <= count:
            return self
        places = central_indices(len(self.files), count)
        return Crops(tuple(self.files[place] for place in places))


@dataclass(frozen=True)
class Clip:
    """A video of one person."""

    file: Path


@dataclass(frozen=True)
class Enrolled:
    """A tracklet that is in the gallery already."""

    tracklet_id: str


Subject = Crops | Clip | Enrolled


@dataclass(frozen=True)
class Wanted:
    """What `POST /query` can be asked for, by the same names."""

    camera: str | None = None
    """The question's own camera."""
    top_k: int = 10
    tracklets_per_identity: int = 5
    far: float = 1e-4
    cameras: tuple[str, ...] = ()
    exclude_cameras: tuple[str, ...] = ()
    captured_after: datetime | None = None
    captured_before: datetime | None = None
    min_score: float | None = None
    rerank: bool = False

    def search(self, exclude_tracklet: str | None) -> Search:
        """For a gallery."""
        return Search(
            top_k=self.top_k,
            tracklets_per_identity=self.tracklets_per_identity,
            min_score=self.min_score,
            filter=Filter(
                cameras=frozenset(self.cameras),
                exclude_cameras=frozenset(self.exclude_cameras),
                captured_after=self.captured_after,
                captured_before=self.captured_before,
                exclude_tracklet=exclude_tracklet,
            ),
            rerank=self.rerank,
        )

    def form(self) -> dict[str, str | list[str]]:
        """For the service: fields of the multipart form, without those that are absent."""
        fields: dict[str, str | list[str] | None] = {
            "camera": self.camera,
            "top_k": str(self.top_k),
            "tracklets_per_identity": str(self.tracklets_per_identity),
            "far": repr(self.far),
            "cameras": list(self.cameras),
            "exclude_cameras": list(self.exclude_cameras),
            "captured_after": _rfc3339(self.captured_after),
            "captured_before": _rfc3339(self.captured_before),
            "min_score": None if self.min_score is None else repr(self.min_score),
            "rerank": "true" if self.rerank else None,
        }
        return {name: value for name, value in fields.items() if value}


def _rfc3339(time: datetime | None) -> str | None:
    return None if time is None else format_time(time)


def read_subject(text: str) -> Subject:
    """INPUT of the command line: a folder of frames, a picture, a clip, or `tracklet:ID`.

    Raises `InvalidParameter` where it is none of these.
    """
    if text.startswith(ENROLLED):
        return Enrolled(clean_tracklet_id(text.removeprefix(ENROLLED)))
    path = Path(text).expanduser()
    if path.is_dir():
        return _crops(path)
    if not path.is_file():
        raise InvalidParameter(f"INPUT is no folder, no file and no {ENROLLED}ID: {text}")
    if path.suffix.lower() in PICTURES:
        return Crops((path,))
    if path.suffix.lower() in VIDEOS:
        return Clip(path)
    raise InvalidParameter(f"INPUT is neither a picture nor a video by its name: {path.name}")


def _crops(folder: Path) -> Crops:
    found = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURES and not path.name.startswith(".") and path.is_file()
    ]
    if not found:
        raise InvalidParameter(f"INPUT holds no JPEG, PNG or WebP picture: {folder}")
    return Crops(tuple(sorted(found, key=lambda path: natural_order(path.name))))
