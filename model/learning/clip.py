"""A tracklet's decoded frames with their person masks, on their way through augmentation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.datasets.tracklets import TrackletSource
from model.decode import decode_image, resize_frame
from model.limits import DecodeLimits
from model.network.config import PARTS
from model.opencv import cv2

Frames = NDArray[np.uint8]
Masks = NDArray[np.float32]

LIMITS = DecodeLimits()


@dataclass(frozen=True)
class Clip:
    """L frames of one size; masks and visible shares only where the world knows them."""

    frames: Frames
    """[L, H, W, 3] RGB."""
    masks: Masks | None = None
    """[L, H, W], 1 where the person is seen, between 0 and 1 at the edge."""
    visible: NDArray[np.float32] | None = None
    """[L], the share of the person that is seen *before* any augmentation."""

    def __len__(self) -> int:
        return len(self.frames)

    def person_area(self) -> NDArray[np.float32]:
        """Sum of each frame's mask: [L]."""
        assert self.masks is not None
        return np.asarray(self.masks.sum((1, 2), dtype=np.float32))

    def part_shares(self) -> NDArray[np.float32]:
        """How much of each horizontal part shows the person: [L, P]; all 1 where unknown."""
        if self.masks is None:
            return np.ones((len(self), PARTS), np.float32)
        L, H, W = self.masks.shape
        shares = self.masks.reshape(L, PARTS, H // PARTS, W).mean((2, 3), dtype=np.float32)
        return np.asarray(shares)

    def place(self, slot: int, other: "Clip", other_slot: int) -> None:
        """Overwrite one frame, in place, by one of another clip; its mask becomes empty."""
        self.frames[slot] = other.frames[other_slot]
        if self.masks is not None:
            self.masks[slot] = 0


def read_clip(tracklet: TrackletSource, indices: Sequence[int], height: int, width: int) -> Clip:
    """Decode and resize frames; raises what the decoder raises, naming the frame."""
    frames = np.stack([read_frame(tracklet, i, height, width) for i in indices])
    if tracklet.truth is None:
        return Clip(frames)
    truth = tracklet.truth
    masks = [resize_mask(truth.person(i), height, width) for i in indices]
    return Clip(frames, np.stack(masks), truth.visible[list(indices)].astype(np.float32))


def read_frame(tracklet: TrackletSource, index: int, height: int, width: int) -> Frames:
    """One frame, uint8 [H, W, 3]."""
    return resize_frame(decode_image(tracklet.frames.read(index), LIMITS, index), height, width)


def resize_mask(mask: NDArray[np.bool_], height: int, width: int) -> NDArray[np.float32]:
    """The same stretch for a person mask: float32 [H, W] in 0..1."""
    coarse = mask.astype(np.float32)
    if coarse.shape == (height, width):
        return coarse
    shrinks = coarse.shape[0] > height and coarse.shape[1] > width
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=way), np.float32)


def with_frames(clip: Clip, frames: Frames, masks: Masks | None) -> Clip:
    """The same clip with changed pixels; what was visible before is still known."""
    return replace(clip, frames=frames, masks=masks)
