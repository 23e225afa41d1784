"""`<camera>/<tracklet>/*.jpg`, with what is known of the tracklets in `tracklets.jsonl`.

A line of the sidecar names its tracklet as `<camera>/<tracklet>`, or by the tracklet's folder
alone, where no other camera has one of that name or `camera` tells which is meant.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexer.archive.files import PICTURES, Unreadable, files, folders, is_regular, read_text
from indexer.archive.sources import Archive, Label, Pictures, Refusal, Source
from model.errors import InvalidParameter
from model.names import clean_name
from model.times import parse_time

SIDECAR = "tracklets.jsonl"

MAX_SIDECAR_BYTES = 1 << 30
MAX_ATTRIBUTES_BYTES = 4096

_FIELDS = {"tracklet", "identity", "camera", "captured_at", "captured_until", "attributes"}


def scan(archive: Archive) -> Iterator[Source]:
    """One source per tracklet folder; a line of the sidecar that fits none is refused at the end.

    A tracklet whose line is wrong is refused as a whole: enrolled without its label it would have
    to be found and mended by hand.
    """
    refused: list[Source] = []
    sidecar = _Sidecar.read(archive, refused)
    for camera in folders(archive, archive.root, refused.append):
        for folder in folders(archive, camera, refused.append):
            pictures = tuple(files(archive, folder, PICTURES, refused.append))
            yield _source(archive, folder, pictures, sidecar)
    yield from refused
    for line in sidecar.unused():
        yield Refusal(f"{SIDECAR}:{line.number}", "no tracklet of that name in the archive")


def _source(
    archive: Archive, folder: Path, pictures: tuple[Path, ...], sidecar: "_Sidecar"
) -> Source:
    place = archive.place(folder)
    tracklet_id = archive.tracklet_id(place)
    if not pictures:
        return Refusal(place, "no picture in the folder", tracklet_id)
    try:
        return Pictures(_label(place, tracklet_id, sidecar.line_of(place)), pictures)
    except InvalidParameter as error:
        return Refusal(place, error.detail, tracklet_id)


def _label(place: str, tracklet_id: str, line: "_Line | None") -> Label:
    known: Mapping[str, Any] = {} if line is None else line.known
    return Label(
        tracklet_id=tracklet_id,
        place=place,
        camera=clean_name(_text(known, "camera") or place.split("/")[0], "camera"),
        identity=clean_name(_text(known, "identity"), "identity"),
        captured_at=parse_time(_text(known, "captured_at"), "captured_at"),
        captured_until=parse_time(_text(known, "captured_until"), "captured_until"),
        attributes=_attributes(known.get("attributes")),
    )


def _text(known: Mapping[str, Any], name: str) -> str | None:
    value = known.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise InvalidParameter(f"{name} must be a text")
    return value


def _attributes(value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidParameter("attributes must be a JSON object")
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except ValueError as error:  # NaN, 1e400, a lone surrogate
        raise InvalidParameter("attributes hold a value that JSON cannot carry") from error
    if size > MAX_ATTRIBUTES_BYTES:
        raise InvalidParameter(f"attributes are larger than {MAX_ATTRIBUTES_BYTES} bytes")
    return value


@dataclass
class _Line:
    number: int
    known: Mapping[str, Any]
    used: bool = False


@dataclass
class _Sidecar:
    """The lines of `tracklets.jsonl` by what they call their tracklet."""

    folders: Counter[str]
    """How many cameras have a tracklet of each name."""
    lines: dict[str, list[_Line]] = field(default_factory=dict)

    @classmethod
    def read(cls, archive: Archive, refused: list[Source]) -> "_Sidecar":
        path = archive.root / SIDECAR
        if not is_regular(path):
            return cls(Counter())
        sidecar = cls(_folder_names(archive))
        try:
            text = read_text(path, MAX_SIDECAR_BYTES)
        except Unreadable as error:
            refused.append(Refusal(SIDECAR, str(error)))
            return sidecar
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip():
                continue
            try:
                known = _parse(line)
            except InvalidParameter as error:
                refused.append(Refusal(f"{SIDECAR}:{number}", error.detail))
            else:
                key = str(known["tracklet"]).strip("/")
                sidecar.lines.setdefault(key, []).append(_Line(number, known))
        return sidecar

    def line_of(self, place: str) -> _Line | None:
        """The line of the tracklet at `<camera>/<tracklet>`. Raises where two lines claim it."""
        camera, name = place.split("/")
        named = self.lines.get(place, [])
        short = [line for line in self.lines.get(name, []) if self._means(line, camera, name)]
        found = named + short
        for line in found:
            line.used = True
        if len(found) > 1:
            numbers = " and ".join(str(line.number) for line in found)
            raise InvalidParameter(f"lines {numbers} of {SIDECAR} both describe it")
        return found[0] if found else None

    def _means(self, line: _Line, camera: str, name: str) -> bool:
        """Whether a line that gives only a folder's name means the one under this camera."""
        if self.folders[name] == 1 or line.known.get("camera") == camera:
            return True
        if line.known.get("camera"):
            return False
        line.used = True
        raise InvalidParameter(
            f"line {line.number} of {SIDECAR} fits more than one tracklet: say <camera>/<tracklet>"
        )

    def unused(self) -> Iterator[_Line]:
        return (line for lines in self.lines.values() for line in lines if not line.used)


def _folder_names(archive: Archive) -> Counter[str]:
    def pass_over(_: Refusal) -> None:
        """The scan itself reports what it refuses."""

    return Counter(
        folder.name
        for camera in folders(archive, archive.root, pass_over)
        for folder in folders(archive, camera, pass_over)
    )


def _parse(line: str) -> Mapping[str, Any]:
    try:
        known = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidParameter("not JSON") from error
    if not isinstance(known, dict) or not isinstance(known.get("tracklet"), str):
        raise InvalidParameter("not a JSON object with a text `tracklet`")
    unknown = sorted(set(known) - _FIELDS)
    if unknown:
        raise InvalidParameter(f"unknown field {unknown[0]!r}")
    return known
