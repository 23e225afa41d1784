"""`<camera>.mp4`, alone or beside `<camera>.txt` with the boxes of its people.

When the first frame was taken is read from `<camera>.json` (`{"start": "2024-05-01T12:00:00Z"}`,
optionally with `fps` and `camera`), else from `--start`, else from the file's name, which may end
in a time: `door_20240501T120000Z.mp4`. Without a zone, such a name is taken to be in UTC. The
camera is called what remains of the name, so that hourly files of one camera belong together.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from indexer.archive.files import VIDEOS, Unreadable, files, is_regular, read_text
from indexer.archive.sources import Archive, Footage, Refusal, Source
from model.errors import InvalidParameter
from model.names import clean_name
from model.times import parse_time

MAX_SIDECAR_BYTES = 1 << 16

_NAMED_TIME = re.compile(
    r"[ _.-]?(\d{4})-?(\d{2})-?(\d{2})[Tt _-](\d{2})[-:_.]?(\d{2})[-:_.]?(\d{2})[Zz]?$", re.ASCII
)
_FIELDS = {"start", "fps", "camera"}


def scan(archive: Archive, start: datetime | None, *, boxed: bool) -> Iterator[Source]:
    """One source per video; `boxed` says that each must have its text of boxes beside it."""
    refused: list[Source] = []
    for video in files(archive, archive.root, VIDEOS, refused.append):
        place = archive.place(video)
        boxes = video.with_suffix(".txt") if boxed else None
        if boxes is not None and not is_regular(boxes):
            yield Refusal(place, f"no {boxes.name} with boxes beside it")
            continue
        try:
            known = _sidecar(video.with_suffix(".json"))
            stem, named = split_name(video.stem)
            camera = clean_name(known.camera or stem, "camera")
        except InvalidParameter as error:
            yield Refusal(place, error.detail)
            continue
        begin = known.start or start or named
        yield Footage(video, place, camera or video.stem, begin, known.fps, boxes)
    yield from refused


def split_name(stem: str) -> tuple[str, datetime | None]:
    """A video's name without its suffix -> the camera's name, the time of the first frame."""
    found = _NAMED_TIME.search(stem)
    if found is None:
        return stem, None
    year, month, day, hour, minute, second = found.groups()
    try:
        time = parse_time(f"{year}-{month}-{day}T{hour}:{minute}:{second}Z", "file name")
    except InvalidParameter:
        return stem, None  # digits that are no date
    return stem[: found.start()] or stem, time


@dataclass(frozen=True)
class _Sidecar:
    start: datetime | None = None
    fps: float | None = None
    camera: str | None = None


def _sidecar(path: Path) -> _Sidecar:
    """What `<camera>.json` says; nothing where it is absent. Raises `InvalidParameter`."""
    if not is_regular(path):
        return _Sidecar()
    try:
        known = json.loads(read_text(path, MAX_SIDECAR_BYTES))
    except (Unreadable, ValueError, RecursionError) as error:
        raise InvalidParameter(f"{path.name} is not readable JSON") from error
    if not isinstance(known, dict) or not known.keys() <= _FIELDS:
        raise InvalidParameter(f"{path.name} must be an object of start, fps and camera")
    start, camera, fps = known.get("start"), known.get("camera"), known.get("fps")
    if not isinstance(start, str | None) or not isinstance(camera, str | None):
        raise InvalidParameter(f"{path.name}: start and camera must be texts")
    if fps is not None and not _is_rate(fps):
        raise InvalidParameter(f"{path.name}: fps must be a number above 0")
    return _Sidecar(parse_time(start, f"{path.name}: start"), fps, camera)


def _is_rate(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and 0 < value <= 1000  # type: ignore[arg-type,operator]
