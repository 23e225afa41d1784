"""Augmentation of a clip: flip, crop, AutoAugment and background once per tracklet, erasing and
patches per frame (section 4.2). Person masks follow every change of geometry and lose what is
covered, so that what is visible afterwards can be told."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.learning.autoaugment import random_policy
from model.learning.clip import Clip, Frames, Masks, with_frames
from model.learning.config import AugmentSettings
from model.opencv import cv2

Rng = np.random.Generator
MEAN_COLOUR = (123, 116, 103)
"""ImageNet's: what fills erased areas and the border before cropping."""
TRIES = 10


@dataclass(frozen=True)
class Donors:
    """Where augmentation gets other pictures from; a function of its argument alone."""

    frame: Callable[[Rng], Clip]
    """Any frame of the data set as a clip of one, at the training size."""
    patch_pool: int
    seed: int

    def patch(self, rng: Rng, area: tuple[float, float]) -> Frames | None:
        """One of the pool's patches, [h, w, 3].

        The pool is never held: entry k is cut again from the frame that seed and k decide. It
        depends on no worker and no history, and a resumed run has it whole.
        """
        entry = np.random.Generator(
            np.random.PCG64([self.seed, int(rng.integers(self.patch_pool))])
        )
        frame = self.frame(entry).frames[0]
        box = random_box(frame.shape[0], frame.shape[1], area, 0.1, entry)
        return None if box is None else frame[box]


def augment(clip: Clip, settings: AugmentSettings, donors: Donors, rng: Rng) -> Clip:
    """A new clip of the same size; nothing of the given one is changed."""
    if clip.masks is not None and rng.random() < settings.background:
        clip = swap_background(clip, donors.frame(rng))
    if rng.random() < settings.autoaugment:
        clip = random_policy(clip, rng)
    if rng.random() < settings.flip:
        clip = flip(clip)
    if settings.crop_padding:
        clip = pad_and_crop(clip, settings.crop_padding, rng)
    frames = clip.frames.copy()
    masks = None if clip.masks is None else clip.masks.copy()
    for k in range(len(clip)):
        mask = None if masks is None else masks[k]
        if rng.random() < settings.patch:
            paste(frames[k], mask, donors.patch(rng, settings.patch_area), rng)
        if rng.random() < settings.erasing:
            erase(frames[k], mask, settings.erasing_area, settings.erasing_aspect, rng)
    return with_frames(clip, frames, masks)


def remaining_visible(before: Clip, after: Clip) -> NDArray[np.float32]:
    """[L], the visible share after augmentation; all 1 where the world does not know it.

    What covered the person in the picture counts as much as what cut or covered it since.
    """
    if before.visible is None or before.masks is None or after.masks is None:
        return np.ones(len(before), np.float32)
    kept = after.person_area() / np.maximum(before.person_area(), 1e-6)
    return np.asarray(before.visible * np.clip(kept, 0, 1), np.float32)


def flip(clip: Clip) -> Clip:
    """Mirrored left to right."""
    masks = None if clip.masks is None else clip.masks[:, :, ::-1]
    return with_frames(clip, clip.frames[:, :, ::-1], masks)


def pad_and_crop(clip: Clip, padding: int, rng: Rng) -> Clip:
    """Padded on every side, then a window of the old size, the same for all frames."""
    top, left = rng.integers(0, 2 * padding + 1, 2).tolist()
    _, H, W, _ = clip.frames.shape
    window = (slice(None), slice(top, top + H), slice(left, left + W))
    sides = ((0, 0), (padding, padding), (padding, padding))
    frames = np.empty((len(clip), H + 2 * padding, W + 2 * padding, 3), np.uint8)
    frames[:] = MEAN_COLOUR
    frames[:, padding:-padding, padding:-padding] = clip.frames
    masks = None if clip.masks is None else np.pad(clip.masks, sides)[window]
    return with_frames(clip, frames[window], masks)


def erase(
    frame: Frames, mask: Masks | None, area: tuple[float, float], aspect: float, rng: Rng
) -> None:
    """Random erasing (Zhong et al. 2020) with the mean colour, in place."""
    box = random_box(frame.shape[0], frame.shape[1], area, aspect, rng)
    if box is not None:
        frame[box] = MEAN_COLOUR
        if mask is not None:
            mask[box] = 0


def paste(frame: Frames, mask: Masks | None, patch: Frames | None, rng: Rng) -> None:
    """Random patch (Zhou et al. 2019): another picture's patch somewhere in this one, in place."""
    if patch is None:
        return
    if rng.random() < 0.5:
        patch = patch[:, ::-1]
    h, w = patch.shape[:2]
    top = int(rng.integers(frame.shape[0] - h + 1))
    left = int(rng.integers(frame.shape[1] - w + 1))
    box = (slice(top, top + h), slice(left, left + w))
    frame[box] = patch
    if mask is not None:
        mask[box] = 0


def random_box(
    height: int, width: int, area: tuple[float, float], aspect: float, rng: Rng
) -> tuple[slice, slice] | None:
    """A box of a random area and aspect inside the frame; None where ten tries do not fit.

    The area is uniform, height / width is log-uniform between `aspect` and its inverse.
    """
    for _ in range(TRIES):
        pixels = rng.uniform(*area) * height * width
        ratio = np.exp(rng.uniform(np.log(aspect), -np.log(aspect)))
        h, w = round(float(np.sqrt(pixels * ratio))), round(float(np.sqrt(pixels / ratio)))
        if 0 < h < height and 0 < w < width:
            top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
            return slice(top, top + h), slice(left, left + w)
    return None


def swap_background(clip: Clip, donor: Clip) -> Clip:
    """The person of each frame before the donor's background; unchanged without the masks."""
    if clip.masks is None or donor.masks is None:
        return clip
    scene = without_person(donor.frames[0], donor.masks[0]).astype(np.float32)
    share = clip.masks[..., None]
    mixed = clip.frames * share + scene * (1 - share)
    return with_frames(clip, np.round(mixed).astype(np.uint8), clip.masks)


def without_person(frame: Frames, mask: Masks) -> Frames:
    """The frame with its person painted over by the blurred surroundings: uint8 [H, W, 3]."""
    seen = 1 - mask
    size = (frame.shape[1] | 1, frame.shape[1] | 1)
    total = cv2.blur(frame.astype(np.float32) * seen[..., None], size)
    weight = cv2.blur(seen, size)[..., None]
    around = total / np.maximum(weight, 1e-3)
    filled = frame * seen[..., None] + around * mask[..., None]
    return np.clip(np.round(filled), 0, 255).astype(np.uint8)
