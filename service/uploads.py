"""A tracklet's multipart form, read as a stream: refused as soon as something is wrong with it.

Frames stay in memory (they are decoded at once), a clip goes to a private temporary file that the
`async with` block removes. Nothing else of an upload touches a disk, and nothing of a refused one
stays.
"""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from fastapi import Request
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from indexer.content import content_sha256
from indexer.room import is_full
from model.boxes import parse_boxes
from model.bundle import Manifest
from model.clip import decode_clip
from model.decode import DecodedTracklet, decode_frames
from model.errors import (
    FramesOrClip,
    ImageTooLarge,
    InvalidParameter,
    MalformedBody,
    StorageFull,
    TooManyFrames,
    TooManyParts,
    UnsupportedMediaType,
)
from model.limits import DecodeLimits

MAX_TEXT_BYTES: Final = 16 * 2**10
MAX_BOXES_BYTES: Final = 2**20


@dataclass
class Upload:
    """What a tracklet form held: texts by field name, the frames' bytes, or a clip on disk."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    frames: list[bytes] = field(default_factory=list)
    clip: Path | None = None
    content_sha256: bytes = b""
    """Over the files in order and `boxes`, all as received; see `indexer.content`."""

    @property
    def boxes(self) -> str | None:
        """As they came; None where the field is absent or empty."""
        text = self.texts.get("boxes", [""])[0]
        return text if text.strip() else None

    @property
    def has_pictures(self) -> bool:
        return bool(self.frames) or self.clip is not None

    def require_one_kind(self) -> None:
        """Raises `FramesOrClip` unless there are frames or a clip, and not both."""
        if bool(self.frames) == (self.clip is not None):
            raise FramesOrClip("send either `frames` or one `clip`")
        if self.boxes is not None and self.clip is None:
            raise InvalidParameter("boxes belongs to a clip")

    def decode(self, manifest: Manifest, limits: DecodeLimits, threads: int) -> DecodedTracklet:
        """Check, sample, decode and resize. Blocks: call it in a thread."""
        shape = (manifest.frames_per_tracklet, manifest.frame_height, manifest.frame_width)
        if self.clip is None:
            return decode_frames(self.frames, *shape, limits, threads=threads)
        boxes = parse_boxes(self.boxes) if self.boxes else None
        return decode_clip(self.clip, boxes, *shape, limits)


@asynccontextmanager
async def read_upload(
    request: Request, *, known: Collection[str], max_parts: int, limits: DecodeLimits
) -> AsyncIterator[Upload]:
    """Read a request's form; `known` are its text fields, besides `frames` and `clip`.

    Raises `UnsupportedMediaType`, `MalformedBody`, `TooManyParts`, `TooManyFrames`,
    `ImageTooLarge`, `InvalidParameter`, and whatever the request's own stream raises.
    """
    with ExitStack() as files:
        form = _Form(known, max_parts, limits, files)
        parser = _parser(request, form)
        try:
            async for chunk in request.stream():
                parser.write(chunk)
        except FormParserError as error:
            raise MalformedBody("the body is not a multipart form") from error
        yield form.finish()


def _parser(request: Request, form: "_Form") -> MultipartParser:
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        raise UnsupportedMediaType("this takes multipart/form-data")
    boundary = options.get(b"boundary")
    if not boundary:
        raise MalformedBody("the form's Content-Type names no boundary")
    try:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": form.on_part_begin,
                "on_header_field": form.on_header_field,
                "on_header_value": form.on_header_value,
                "on_header_end": form.on_header_end,
                "on_headers_finished": form.on_headers_finished,
                "on_part_data": form.on_part_data,
                "on_part_end": form.on_part_end,
                "on_end": form.on_end,
            },
        )
    except FormParserError as error:
        raise MalformedBody("the form's boundary is too long") from error


class _Form:
    """The parser's callbacks: one part at a time, each checked while it arrives."""

    def __init__(
        self, known: Collection[str], max_parts: int, limits: DecodeLimits, files: ExitStack
    ) -> None:
        self._known, self._max_parts, self._limits = known, max_parts, limits
        self._files = files
        self._clip: IO[bytes] | None = None
        self._upload = Upload()
        self._clip_digest = hashlib.sha256()
        self._digests: list[bytes] = []
        self._parts = self._frames = 0
        self._complete = False
        self._name, self._data = "", bytearray()
        self._header_name, self._header_value, self._disposition = b"", b"", b""

    def on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > self._max_parts:
            raise TooManyParts(f"a form may have {self._max_parts} parts")
        self._name, self._data, self._disposition = "", bytearray(), b""

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name, self._header_value = b"", b""

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if self._name == "frames":
            self._frames += 1
        elif self._name == "clip":
            self._open_clip()
        elif self._name not in self._known:
            raise InvalidParameter("the form has a field that is not known here")

    def _open_clip(self) -> None:
        if self._clip is not None:
            raise FramesOrClip("send one `clip`")
        with _full_disk_told():
            self._clip = self._files.enter_context(
                tempfile.NamedTemporaryFile(prefix="sightline-clip-", buffering=0)  # noqa: SIM115
            )
        self._upload.clip = Path(self._clip.name)

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name == "clip":
            assert self._clip is not None
            self._clip_digest.update(data[start:end])
            _write(self._clip, data[start:end])
        elif self._name == "frames":
            self._on_frame_data(data[start:end])
        else:
            self._data += data[start:end]
            limit = MAX_BOXES_BYTES if self._name == "boxes" else MAX_TEXT_BYTES
            if len(self._data) > limit:
                raise InvalidParameter(f"{self._name} is longer than {limit} bytes")

    def _on_frame_data(self, data: bytes) -> None:
        # Frames beyond the limit are only counted: whether there are too many of them or too many
        # parts altogether is known when the last one has come.
        if self._frames > self._limits.max_frames:
            return
        self._data += data
        if len(self._data) > self._limits.frame_bytes:
            raise ImageTooLarge(
                f"a frame may have {self._limits.frame_bytes} bytes", frame=self._frames - 1
            )

    def on_part_end(self) -> None:
        if self._name == "frames":
            if self._frames <= self._limits.max_frames:
                self._digests.append(hashlib.sha256(self._data).digest())
                self._upload.frames.append(bytes(self._data))
        elif self._name == "clip":
            self._digests.append(self._clip_digest.digest())
        else:
            self._upload.texts.setdefault(self._name, []).append(self._text())

    def on_end(self) -> None:
        self._complete = True

    def finish(self) -> Upload:
        """The whole form. Raises `MalformedBody` where its end is missing."""
        if not self._complete:
            raise MalformedBody("the form ends before its last boundary")
        if self._frames > self._limits.max_frames:
            raise TooManyFrames(f"a tracklet may have {self._limits.max_frames} frames")
        boxes = (self._upload.boxes or "").encode()
        self._upload.content_sha256 = content_sha256(self._digests, boxes)
        return self._upload

    def _text(self) -> str:
        try:
            return self._data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidParameter(f"{self._name} is not UTF-8") from error


def _write(file: IO[bytes], data: bytes) -> None:
    """All of it to an unbuffered file. Raises `StorageFull` where there is no room for it."""
    rest = memoryview(data)
    with _full_disk_told():
        while rest:
            rest = rest[file.write(rest) :]


@contextmanager
def _full_disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        raise StorageFull("there is no room left for the clip") from error
