"""AutoAugment's ImageNet policy (Cubuk et al. 2019) on clips: one sub-policy per tracklet.

The operations mean what Pillow's mean (a test compares them); magnitudes run from 0 to 9. A
tracklet gets the same operation with the same sign in every frame, as one camera would.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.learning.clip import Clip, Frames, with_frames
from model.opencv import cv2

Rng = np.random.Generator
Recolour = Callable[[Frames], Frames]
Operation = Literal[
    "shear", "rotate", "colour", "contrast", "sharpness", "posterize", "solarize",
    "autocontrast", "equalize", "invert",
]  # fmt: skip
GREY = (128, 128, 128)


@dataclass(frozen=True)
class Step:
    """One operation of a sub-policy, its probability and its magnitude."""

    operation: Operation
    probability: float
    magnitude: int = 0


def _pair(a: tuple[Operation, float, int], b: tuple[Operation, float, int]) -> tuple[Step, Step]:
    return Step(*a), Step(*b)


IMAGENET_POLICY: tuple[tuple[Step, Step], ...] = (
    _pair(("posterize", 0.4, 8), ("rotate", 0.6, 9)),
    _pair(("solarize", 0.6, 5), ("autocontrast", 0.6, 0)),
    _pair(("equalize", 0.8, 0), ("equalize", 0.6, 0)),
    _pair(("posterize", 0.6, 7), ("posterize", 0.6, 6)),
    _pair(("equalize", 0.4, 0), ("solarize", 0.2, 4)),
    _pair(("equalize", 0.4, 0), ("rotate", 0.8, 8)),
    _pair(("solarize", 0.6, 3), ("equalize", 0.6, 0)),
    _pair(("posterize", 0.8, 5), ("equalize", 1.0, 0)),
    _pair(("rotate", 0.2, 3), ("solarize", 0.6, 8)),
    _pair(("equalize", 0.6, 0), ("posterize", 0.4, 6)),
    _pair(("rotate", 0.8, 8), ("colour", 0.4, 0)),
    _pair(("rotate", 0.4, 9), ("equalize", 0.6, 0)),
    _pair(("equalize", 0.0, 0), ("equalize", 0.8, 0)),
    _pair(("invert", 0.6, 0), ("equalize", 1.0, 0)),
    _pair(("colour", 0.6, 4), ("contrast", 1.0, 8)),
    _pair(("rotate", 0.8, 8), ("colour", 1.0, 2)),
    _pair(("colour", 0.8, 8), ("solarize", 0.8, 7)),
    _pair(("sharpness", 0.4, 7), ("invert", 0.6, 0)),
    _pair(("shear", 0.6, 5), ("equalize", 1.0, 0)),
    _pair(("colour", 0.4, 0), ("equalize", 0.6, 0)),
    _pair(("equalize", 0.4, 0), ("solarize", 0.2, 4)),
    _pair(("solarize", 0.6, 5), ("autocontrast", 0.6, 0)),
    _pair(("invert", 0.6, 0), ("equalize", 1.0, 0)),
    _pair(("colour", 0.6, 4), ("contrast", 1.0, 8)),
    _pair(("equalize", 0.8, 0), ("equalize", 0.6, 0)),
)


def random_policy(clip: Clip, rng: Rng) -> Clip:
    """One of the 25 sub-policies, its two operations each with their probability."""
    for step in IMAGENET_POLICY[rng.integers(len(IMAGENET_POLICY))]:
        sign = 1 if rng.random() < 0.5 else -1
        if rng.random() < step.probability:
            clip = apply(clip, step, sign)
    return clip


def apply(clip: Clip, step: Step, sign: int = 1) -> Clip:
    """One operation on every frame; masks follow what moves pixels."""
    strength = sign * step.magnitude / 9
    if step.operation == "shear":
        return _warp(clip, _shear(0.3 * strength))
    if step.operation == "rotate":
        H, W = clip.frames.shape[1:3]
        # Pillow turns about the corner-based centre, OpenCV counts pixel centres.
        centre = ((W - 1) / 2, (H - 1) / 2)
        return _warp(clip, cv2.getRotationMatrix2D(centre, 30 * strength, 1))
    return with_frames(clip, _recolour(clip.frames, step, strength), clip.masks)


def _recolour(frames: Frames, step: Step, strength: float) -> Frames:
    operations: dict[Operation, Recolour] = {
        "colour": lambda frame: blend(frame, grey(frame), 1 + 0.9 * strength),
        "contrast": lambda frame: blend(frame, mean_grey(frame), 1 + 0.9 * strength),
        "sharpness": lambda frame: blend(frame, smooth(frame), 1 + 0.9 * strength),
        "posterize": lambda frame: posterize(frame, 8 - round(step.magnitude * 4 / 9)),
        "solarize": lambda frame: solarize(frame, 255 * (1 - step.magnitude / 9)),
        "autocontrast": autocontrast,
        "equalize": equalize,
        "invert": lambda frame: 255 - frame,
    }
    return np.stack([operations[step.operation](frame) for frame in frames])


def blend(frame: Frames, other: Frames, factor: float) -> Frames:
    """other + factor * (frame - other), cut to 0..255 and truncated."""
    mixed = other + factor * (frame.astype(np.float32) - other)
    return np.clip(mixed, 0, 255).astype(np.uint8)


def grey(frame: Frames) -> Frames:
    """Luma in all three channels (ITU-R 601 in 16-bit fixed point)."""
    luma = (frame.astype(np.int64) @ np.array([19595, 38470, 7471]) + 0x8000) >> 16
    return np.repeat(luma[..., None], 3, 2).astype(np.uint8)


def mean_grey(frame: Frames) -> Frames:
    """The mean luma everywhere."""
    return np.full_like(frame, int(grey(frame)[..., 0].mean() + 0.5))


def smooth(frame: Frames) -> Frames:
    """A 3x3 kernel with weight 5 in the middle; the border stays."""
    kernel = np.ones((3, 3), np.float32)
    kernel[1, 1] = 5
    soft = frame.copy()
    blurred = cv2.filter2D(frame.astype(np.float32), -1, kernel / 13)
    soft[1:-1, 1:-1] = (blurred[1:-1, 1:-1] + 0.5).astype(np.uint8)
    return soft


def posterize(frame: Frames, bits: int) -> Frames:
    """Only the highest bits of each channel."""
    return frame & np.uint8(256 - 2 ** (8 - bits))


def solarize(frame: Frames, threshold: float) -> Frames:
    """Invert what is not darker than the threshold."""
    return np.where(frame < threshold, frame, 255 - frame).astype(np.uint8)


def autocontrast(frame: Frames) -> Frames:
    """Each channel stretched to 0..255."""
    out = frame.copy()
    for c in range(3):
        low, high = int(frame[..., c].min()), int(frame[..., c].max())
        if high > low:
            scale = 255 / (high - low)
            table = np.clip(np.arange(256) * scale - low * scale, 0, 255).astype(np.uint8)
            out[..., c] = table[frame[..., c]]
    return out


def equalize(frame: Frames) -> Frames:
    """Each channel's histogram made even."""
    out = frame.copy()
    for c in range(3):
        counts = np.bincount(frame[..., c].ravel(), minlength=256)
        used = counts[counts > 0]
        step = (int(used.sum()) - int(used[-1])) // 255
        if len(used) > 1 and step:
            before = np.concatenate(([0], np.cumsum(counts)[:-1]))
            table = np.minimum((step // 2 + before) // step, 255).astype(np.uint8)
            out[..., c] = table[frame[..., c]]
    return out


def _shear(slope: float) -> NDArray[np.float64]:
    """x_out = x - slope * y, as an affine map."""
    return np.array([[1.0, -slope, 0.0], [0.0, 1.0, 0.0]])


def _warp(clip: Clip, matrix: NDArray[np.float64] | cv2.typing.MatLike) -> Clip:
    """Frames filled with grey, masks with 0, where nothing comes from."""
    size = (clip.frames.shape[2], clip.frames.shape[1])
    frames = np.stack(
        [
            cv2.warpAffine(f, matrix, size, flags=cv2.INTER_NEAREST, borderValue=GREY)
            for f in clip.frames
        ]
    ).astype(np.uint8)
    masks = None
    if clip.masks is not None:
        masks = np.stack(
            [cv2.warpAffine(m, matrix, size, flags=cv2.INTER_NEAREST) for m in clip.masks]
        ).astype(np.float32)
    return with_frames(clip, frames, masks)
