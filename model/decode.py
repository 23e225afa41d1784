"""Pictures in, checked RGB frames of the model's size out.

The only place where a picture's bytes become pixels, together with `model.clip` for videos. What is
stored or shown later is encoded anew from those pixels; the upload itself goes no further.

Conventions: EXIF orientation is applied (a person stands as a viewer would show them). Grey and
16-bit pictures become 8-bit RGB. Transparency is dropped: a pixel's own colour counts.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.errors import (
    FramesOrClip,
    ImageTooLarge,
    InputRefused,
    TooManyFrames,
    UndecodableFrame,
)
from model.limits import DecodeLimits
from model.opencv import cv2
from model.pictures import picture_size
from model.sampling import central_indices
from model.threads import thread_budget

PICTURE_QUALITY = 95
"""JPEG quality of kept pictures: a new model embeds them again."""

# Below this many files starting threads costs more than it saves.
_FEWEST_FOR_THREADS = 8
# A larger picture that is only checked is decoded at an eighth of its size, which JPEG does 5x
# faster; smaller ones are decoded whole.
_LARGE_PICTURE = 2**18

Rgb = NDArray[np.uint8]
"""A picture [H, W, 3]."""


@dataclass(frozen=True)
class DecodedTracklet:
    """A tracklet as the model takes it, n <= frames per tracklet."""

    frames: NDArray[np.uint8]
    """The sampled frames, stretched to the model's size: RGB [n, H, W, 3]."""
    received: int
    """Frames that came in."""
    sampled: tuple[int, ...]
    """Which of them were taken, strictly increasing."""
    crops_wider_than_high: int
    """How many of those that came in cannot be an upright person."""

    @property
    def looks_uncropped(self) -> bool:
        """True where most frames are wider than high."""
        return 2 * self.crops_wider_than_high > self.received

    def pictures(self) -> list[bytes]:
        """The sampled frames as JPEG."""
        return [encode_jpeg(frame) for frame in self.frames]


def decode_image(data: bytes, limits: DecodeLimits, frame: int | None = None) -> Rgb:
    """Decode a JPEG, PNG or WebP picture to RGB uint8 [H, W, 3].

    `frame` is its place in the upload, for the error. Raises `ImageTooLarge`, before any pixel is
    decoded, and `UndecodableFrame`.
    """
    return _decode(data, limits, frame, only_check=False)


def decode_frames(
    files: Sequence[bytes],
    frames_per_tracklet: int,
    height: int,
    width: int,
    limits: DecodeLimits,
    *,
    threads: int = 0,
) -> DecodedTracklet:
    """Decode an upload of pictures in temporal order; every one is checked, the sampled are kept.

    `threads` is the process's budget (`model.threads`). Raises `FramesOrClip` where there are none,
    `TooManyFrames`, `ImageTooLarge` or `UndecodableFrame` for the first bad frame, and
    `ImageTooLarge`, before any pixel is decoded, for the one with which all are too large together.
    """
    if not files:
        raise FramesOrClip("a tracklet needs at least one frame")
    if len(files) > limits.max_frames:
        raise TooManyFrames(f"{len(files)} frames; a tracklet may have {limits.max_frames}")
    _check_pixels(files, limits)
    sampled = tuple(central_indices(len(files), frames_per_tracklet).tolist())
    wanted = set(sampled)

    def prepare(place: int) -> tuple[bool, Rgb | None]:
        rgb = _decode(files[place], limits, place, only_check=place not in wanted)
        is_wide = rgb.shape[1] > rgb.shape[0]
        return is_wide, resize_frame(rgb, height, width) if place in wanted else None

    workers = thread_budget(threads).decode if len(files) >= _FEWEST_FOR_THREADS else 1
    places = range(len(files))
    if workers == 1:
        prepared = [prepare(place) for place in places]
    else:
        pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
        try:
            prepared = list(pool.map(prepare, places))
        finally:
            pool.shutdown(cancel_futures=True)
    return DecodedTracklet(
        frames=np.stack([frame for _, frame in prepared if frame is not None]),
        received=len(files),
        sampled=sampled,
        crops_wider_than_high=sum(is_wide for is_wide, _ in prepared),
    )


def prepare_frames(
    crops: Sequence[Rgb], frames_per_tracklet: int, height: int, width: int
) -> DecodedTracklet:
    """Sample and resize crops that are pixels already, [H, W, 3] of any size each."""
    if not crops:
        raise FramesOrClip("a tracklet needs at least one frame")
    sampled = tuple(central_indices(len(crops), frames_per_tracklet).tolist())
    return DecodedTracklet(
        frames=np.stack([resize_frame(crops[place], height, width) for place in sampled]),
        received=len(crops),
        sampled=sampled,
        crops_wider_than_high=sum(crop.shape[1] > crop.shape[0] for crop in crops),
    )


def resize_frame(rgb: Rgb, height: int, width: int) -> Rgb:
    """Stretch to height x width: the one resize of training, evaluation and serving.

    Area averaging where both sides shrink, else linear interpolation.
    """
    if rgb.shape[:2] == (height, width):
        return rgb
    both_shrink = rgb.shape[0] > height and rgb.shape[1] > width
    interpolation = cv2.INTER_AREA if both_shrink else cv2.INTER_LINEAR
    return cv2.resize(rgb, (width, height), interpolation=interpolation).astype(
        np.uint8, copy=False
    )


def encode_jpeg(rgb: Rgb, quality: int = PICTURE_QUALITY) -> bytes:
    """A picture [H, W, 3] as JPEG without any metadata."""
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()


def _decode(data: bytes, limits: DecodeLimits, frame: int | None, *, only_check: bool) -> Rgb:
    try:
        _check_bytes(data, limits)
        height, width = picture_size(data)
        if height * width > limits.frame_pixels:
            raise ImageTooLarge(
                f"{width} x {height} pixels; a frame may have {limits.frame_pixels:,}"
            )
        is_reduced = only_check and height * width > _LARGE_PICTURE
        rgb = _decode_pixels(data, is_reduced=is_reduced)
        if not is_reduced and sorted(rgb.shape[:2]) != sorted((height, width)):
            raise UndecodableFrame("the picture is not of the size that it says")
    except InputRefused as refusal:
        raise type(refusal)(refusal.detail, frame=frame) from refusal.__cause__
    return rgb


def _check_bytes(data: bytes, limits: DecodeLimits) -> None:
    if len(data) > limits.frame_bytes:
        raise ImageTooLarge(f"{len(data):,} bytes; a frame may have {limits.frame_bytes:,}")


def _check_pixels(files: Sequence[bytes], limits: DecodeLimits) -> None:
    """Every frame is decoded, if only to be checked: the sum bounds what an upload can cost."""
    if len(files) * limits.frame_pixels <= limits.upload_pixels:
        return
    total = 0
    for place, data in enumerate(files):
        try:
            height, width = picture_size(data)
        except InputRefused:
            return  # this frame, or one before it, is refused for what it is
        total += height * width
        if total > limits.upload_pixels:
            raise ImageTooLarge(
                f"all frames together may have {limits.upload_pixels:,} pixels", frame=place
            )


def _decode_pixels(data: bytes, *, is_reduced: bool) -> Rgb:
    flags = cv2.IMREAD_REDUCED_COLOR_8 if is_reduced else cv2.IMREAD_COLOR_RGB
    try:
        rgb = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error as error:
        raise UndecodableFrame("the picture cannot be decoded") from error
    if rgb is None:
        raise UndecodableFrame("the picture cannot be decoded")
    return rgb.astype(np.uint8, copy=False)
