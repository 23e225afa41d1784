"""Videos in, checked RGB frames out; the decoding itself happens in a child process.

Video decoders are large, old and written in C. So a video is decoded by `model.clip_child`, which
has limits on memory and time, can write no file and may read nothing but this one video in the one
container format that was recognised here. Whatever it does, this side gets plain data or a refusal.
"""

import fcntl
import itertools
import json
import os
import select
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from model.boxes import Box
from model.clip_child import Job, command
from model.decode import DecodedTracklet, Rgb
from model.errors import ClipTooLarge, InputRefused, InvalidParameter, UndecodableClip
from model.limits import DecodeLimits

_REFUSALS: dict[str, type[InputRefused]] = {
    kind.code: kind for kind in (InvalidParameter, UndecodableClip, ClipTooLarge)
}
_MOST_HEADER_BYTES = 2**16
_PIPE_BYTES = 2**20
_NONSENSE = "the video's decoder answers nonsense"


@dataclass(frozen=True)
class ClipFrame:
    """One frame of a video."""

    index: int
    """0-based."""
    seconds: float
    """Since the first frame, by the video's own time stamps."""
    rgb: Rgb
    """[H, W, 3]"""


def decode_clip(
    path: Path,
    boxes: tuple[Box, ...] | None,
    frames_per_tracklet: int,
    height: int,
    width: int,
    limits: DecodeLimits,
) -> DecodedTracklet:
    """Decode a video of one person, cropped by `boxes` where there are any, and sample it.

    With boxes the tracklet's frames are the boxes, in order: `received` counts them and `sampled`
    are places among them. Raises `UndecodableClip` (no mp4, mkv, webm or avi; broken; not decoded
    in time), `ClipTooLarge`, and `InvalidParameter` for a box outside the video.
    """
    job = Job(
        path=str(path.resolve()),
        limits=limits,
        stream=False,
        boxes=boxes,
        frames_per_tracklet=frames_per_tracklet,
        height=height,
        width=width,
    )
    deadline = time.monotonic() + limits.clip_wall_seconds
    with _started(job) as child:
        return _read_tracklet(child, job, deadline)


def read_clip_frames(path: Path, limits: DecodeLimits) -> Generator[ClipFrame, None, None]:
    """Every frame of a video of any length, in order, as the child process decodes them.

    Of the limits, those on pixels and memory apply, and the time to wait for the next frame. Raises
    `UndecodableClip` where the video cannot be read (on), `ClipTooLarge`.
    """
    job = Job(path=str(path.resolve()), limits=limits, stream=True)
    with _started(job) as child:
        for index in itertools.count():
            header = child.header(time.monotonic() + limits.clip_wall_seconds)
            if "end" in header:
                return
            shape, seconds = _frame_header(header, limits)
            rgb = child.array(shape, time.monotonic() + limits.clip_wall_seconds)
            yield ClipFrame(index, seconds, rgb)


class _Child:
    """The pipe from the child, read with deadlines and without trust."""

    def __init__(self, process: "subprocess.Popen[bytes]", pipe: IO[bytes]) -> None:
        self._process = process
        self._pipe = pipe.fileno()
        fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def header(self, deadline: float) -> dict[str, Any]:
        """The next message's header. Raises what the child refuses with, or `UndecodableClip`."""
        line = bytearray()
        byte = memoryview(bytearray(1))
        while not line.endswith(b"\n"):
            if len(line) > _MOST_HEADER_BYTES:
                raise UndecodableClip(_NONSENSE)
            self._fill(byte, deadline)
            line += byte
        with _nonsense_refused():
            header: dict[str, Any] = dict(json.loads(line))
        if "refused" in header:
            kind = _REFUSALS.get(header["refused"], UndecodableClip)
            raise kind(str(header.get("detail")))
        return header

    def array(self, shape: tuple[int, ...], deadline: float) -> NDArray[np.uint8]:
        """The raw bytes after a header."""
        pixels = np.empty(shape, dtype=np.uint8)
        self._fill(pixels.reshape(-1).data, deadline)
        return pixels

    def _fill(self, rest: memoryview, deadline: float) -> None:
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        while rest:
            if not poll.poll(max(deadline - time.monotonic(), 0) * 1000):
                raise UndecodableClip("the video could not be decoded in time")
            count = os.readv(self._pipe, [rest])
            if count == 0:
                self._process.wait()
                raise UndecodableClip("the video's decoder stopped: out of time, or broken data")
            rest = rest[count:]


@contextmanager
def _started(job: Job) -> Iterator[_Child]:
    """A child at work on `job`, which is gone, whatever happens, when the block is left."""
    process = subprocess.Popen(
        command(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(_container_format(Path(job.path))),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        # A child that died at once shows when its answer is read.
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(asdict(job)).encode())
            process.stdin.close()
        yield _Child(process, process.stdout)
    finally:
        process.kill()
        process.wait()
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()


def _environment(container: str) -> dict[str, str]:
    """FFmpeg may open this one format from a plain file, or nothing.

    Left to itself it would follow a playlist that poses as a video to other files and hosts.
    """
    capture = f"input_format;{container}|format_whitelist;{container}|protocol_whitelist;file"
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "PATH") if name in os.environ}
    return {
        **kept,
        "OPENCV_FFMPEG_CAPTURE_OPTIONS": capture,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _container_format(path: Path) -> str:
    """FFmpeg's name of the container, from the first bytes. Raises `UndecodableClip`."""
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except OSError as error:
        raise UndecodableClip(f"the video cannot be opened: {error.strerror}") from error
    if start[4:8] == b"ftyp":
        return "mov"
    if start.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"  # WebM is a kind of Matroska
    if start[:4] == b"RIFF" and start[8:] == b"AVI ":
        return "avi"
    raise UndecodableClip("the file is no mp4, mkv, webm or avi video")


def _read_tracklet(child: _Child, job: Job, deadline: float) -> DecodedTracklet:
    header = child.header(deadline)
    with _nonsense_refused():
        answer = header["tracklet"]
        received, wide = int(answer["received"]), int(answer["wide"])
        sampled = tuple(int(place) for place in answer["sampled"])
    if not 1 <= len(sampled) <= job.frames_per_tracklet:
        raise UndecodableClip(_NONSENSE)
    frames = child.array((len(sampled), job.height, job.width, 3), deadline)
    return DecodedTracklet(frames, received, sampled, wide)


def _frame_header(
    header: dict[str, Any], limits: DecodeLimits
) -> tuple[tuple[int, int, int], float]:
    with _nonsense_refused():
        height, width, _ = (int(side) for side in header["shape"])
        seconds = float(header["seconds"])
    if not 0 < height * width <= limits.clip_pixels:
        raise UndecodableClip(_NONSENSE)
    return (height, width, 3), seconds


@contextmanager
def _nonsense_refused() -> Iterator[None]:
    """A taken-over child may send anything: what does not read as an answer refuses the video."""
    try:
        yield
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UndecodableClip(_NONSENSE) from error
