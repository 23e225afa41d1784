"""The child process that decodes one video, so that a hostile one can only harm itself.

It reads a job (JSON) from standard input, puts limits on itself, and writes messages to standard
output: one line of JSON, followed by as many raw bytes as its `shape` says. It is not told whom it
works for and answers in plain data, so that nobody need trust it. `model.clip` is its other side.
"""

import json
import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.boxes import Box
from model.decode import Rgb, resize_frame
from model.errors import ClipTooLarge, InputRefused, InvalidParameter, UndecodableClip
from model.limits import DecodeLimits
from model.opencv import cv2
from model.sampling import central_indices


@dataclass(frozen=True)
class Job:
    """What the child is asked to do; `boxes` and the sizes count only when `stream` is False."""

    path: str
    limits: DecodeLimits
    stream: bool
    """True: every frame at full size. False: one tracklet's sampled and resized frames."""
    boxes: tuple[Box, ...] | None = None
    frames_per_tracklet: int = 0
    height: int = 0
    width: int = 0

    @classmethod
    def from_json(cls, text: bytes) -> "Job":
        fields = json.loads(text)
        boxes = fields.pop("boxes")
        return cls(
            limits=DecodeLimits(**fields.pop("limits")),
            boxes=None if boxes is None else tuple(Box(**box) for box in boxes),
            **fields,
        )


@dataclass(frozen=True)
class Moment:
    """One frame that has been decoded but not yet converted to RGB."""

    index: int
    seconds: float
    """Since the video's first frame."""
    height: int
    width: int
    capture: cv2.VideoCapture

    def rgb(self) -> Rgb:
        is_there, bgr = self.capture.retrieve()
        if not is_there or bgr is None or bgr.ndim != 3:
            raise UndecodableClip(f"frame {self.index} of the video cannot be decoded")
        if bgr.shape[:2] != (self.height, self.width):
            raise UndecodableClip(f"the video changes its size at frame {self.index}")
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype("uint8", copy=False)


def main() -> None:
    """Do the job on standard input and exit."""
    answers = os.dup(1)
    # FFmpeg's own prints must not get between the messages.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    job = Job.from_json(sys.stdin.buffer.read())
    limit_self(job.limits, has_time_limit=not job.stream)
    try:
        if job.stream:
            _stream(job, answers)
        else:
            _sample(job, answers)
    except InputRefused as refusal:
        _send(answers, {"refused": refusal.code, "detail": refusal.detail})
    except (MemoryError, cv2.error):
        # OpenCV reports a failed allocation as an error of its own kind.
        _send(answers, {"refused": ClipTooLarge.code, "detail": "the video needs too much memory"})


def limit_self(limits: DecodeLimits, *, has_time_limit: bool) -> None:
    """Bound this process for good: memory, processor time, no file written, no core dumped."""
    bounds = {
        resource.RLIMIT_AS: limits.clip_memory_bytes,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    if has_time_limit:
        bounds[resource.RLIMIT_CPU] = limits.clip_cpu_seconds
    for kind, most in bounds.items():
        resource.setrlimit(kind, (most, most))


def _stream(job: Job, answers: int) -> None:
    frames = 0
    for moment in _moments(job):
        rgb = moment.rgb()
        header = {"frame": moment.index, "seconds": moment.seconds, "shape": rgb.shape}
        _send(answers, header, rgb.tobytes())
        frames += 1
    _send(answers, {"end": frames})


def _sample(job: Job, answers: int) -> None:
    tracklet = _boxed_frames(job, job.boxes) if job.boxes else _central_frames(job)
    pixels = b"".join(frame.tobytes() for frame in tracklet.pop("frames"))
    _send(answers, {"tracklet": tracklet}, pixels)


def _central_frames(job: Job) -> dict[str, Any]:
    """The sampled frames of a whole clip.

    Headers lie about the number of frames, and all frames together do not fit into memory. So the
    frames are picked for the number that the header gives, counted on the way, and picked again in
    a second pass where the count was another.
    """
    expected = _header_count(job)
    for _ in range(2):
        wanted = set(central_indices(expected, job.frames_per_tracklet).tolist())
        kept: list[Rgb] = []
        count = wide = 0
        for moment in _moments(job):
            count += 1
            if moment.index in wanted:
                rgb = moment.rgb()
                wide = int(rgb.shape[1] > rgb.shape[0])
                kept.append(resize_frame(rgb, job.height, job.width))
        if count == 0:
            raise UndecodableClip("the video has no frame")
        if count == expected:
            return _tracklet(kept, count, sorted(wanted), wide * count)
        expected = count
    raise UndecodableClip("the video gives another number of frames each time it is read")


def _boxed_frames(job: Job, boxes: tuple[Box, ...]) -> dict[str, Any]:
    """The sampled crops; every box is checked, and nothing after the last one is decoded."""
    sampled = central_indices(len(boxes), job.frames_per_tracklet).tolist()
    wanted = {boxes[place].frame_index for place in sampled}
    waiting = {box.frame_index: box for box in boxes}
    last = boxes[-1].frame_index
    kept: list[Rgb] = []
    for moment in _moments(job):
        box = waiting.pop(moment.index, None)
        if box is not None:
            left, top, right, bottom = box.corners(moment.height, moment.width)
            if moment.index in wanted:
                rgb = moment.rgb()
                kept.append(resize_frame(rgb[top:bottom, left:right], job.height, job.width))
        if moment.index == last:
            break
    if waiting:
        raise InvalidParameter(f"boxes: the clip has no frame {min(waiting)}")
    wide = sum(box.width > box.height for box in boxes)
    return _tracklet(kept, len(boxes), sampled, wide)


def _tracklet(frames: list[Rgb], received: int, sampled: list[int], wide: int) -> dict[str, Any]:
    return {"frames": frames, "received": received, "sampled": sampled, "wide": wide}


def _moments(job: Job) -> Iterator[Moment]:
    """Every frame in order. Raises `UndecodableClip`, `ClipTooLarge`."""
    capture = _open(job.path)
    height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
    _check_size(height, width, job.limits.clip_pixels)
    index, first = 0, 0.0
    while capture.grab():
        seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if index == 0:
            first = seconds
        if not job.stream:
            _check_length(index, seconds - first, job.limits)
        yield Moment(index, seconds - first, height, width, capture)
        index += 1


def _open(path: str) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not capture.isOpened():
        raise UndecodableClip("the video cannot be read")
    return capture


def _header_count(job: Job) -> int:
    """The number of frames that the header claims, brought into the range of the possible."""
    claimed = _open(job.path).get(cv2.CAP_PROP_FRAME_COUNT)
    return int(min(max(claimed, 1), job.limits.clip_frames))


def _check_size(height: int, width: int, most_pixels: int) -> None:
    if height * width > most_pixels:
        raise ClipTooLarge(
            f"frames of {width} x {height} pixels; a clip's may have {most_pixels:,}"
        )


def _check_length(index: int, seconds: float, limits: DecodeLimits) -> None:
    if index >= limits.clip_frames:
        raise ClipTooLarge(f"the clip has more than {limits.clip_frames:,} frames")
    if seconds > limits.clip_seconds:
        raise ClipTooLarge(f"the clip lasts more than {limits.clip_seconds:g} seconds")


def _send(answers: int, header: dict[str, Any], payload: bytes = b"") -> None:
    for part in (json.dumps(header).encode() + b"\n", payload):
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(answers, rest) :]


def command() -> list[str]:
    """How to start this child: isolated from the user's Python environment."""
    root = str(Path(__file__).resolve().parents[1])
    start = f"import sys; sys.path.insert(0, {root!r}); from model.clip_child import main; main()"
    return [sys.executable, "-I", "-c", start]
