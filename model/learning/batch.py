"""What one training step gets."""

from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.learning.clip import Clip
from model.network.config import PARTS


@dataclass(frozen=True)
class Batch:
    """B tracklets of up to L frames; padded entries are 0 or False."""

    frames: Tensor
    """uint8 [B, L, H, W, 3] RGB."""
    mask: Tensor
    """bool [B, L], True = a real frame."""
    labels: Tensor
    """int64 [B], classes 0..K-1 of the training identities."""
    foreign: Tensor
    """bool [B, L], True = a frame of another person was swapped in."""
    visible: Tensor
    """float32 [B, L], share of the person seen after augmentation; 0 in foreign frames."""
    parts: Tensor
    """float32 [B, L, P], how much of each part shows the person."""
    known: Tensor
    """bool [B]: `visible` and `parts` come from a world's truth; elsewhere they are all 1."""

    def to(self, device: torch.device) -> "Batch":
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)}
        return Batch(**moved)

    def pin_memory(self) -> "Batch":
        return Batch(**{f.name: getattr(self, f.name).pin_memory() for f in fields(self)})

    def shows_person(self, least: float) -> Tensor:
        """bool [B, L]: real frames of the tracklet's own person with more than `least` visible."""
        return self.mask & ~self.foreign & (self.visible > least)

    def shows_part(self, least: float, frames: Tensor) -> Tensor:
        """bool [B, L, P]: parts of the given frames [B, L] that the person fills enough."""
        return frames[:, :, None] & (self.parts > least)


@dataclass(frozen=True)
class Sample:
    """One tracklet of a batch before it is padded."""

    clip: Clip
    label: int
    foreign: NDArray[np.bool_]
    """[l]"""
    visible: NDArray[np.float32]
    """[l]"""


def collate(samples: list[Sample], length: int) -> Batch:
    """Pad to `length` frames and stack."""
    B, L = len(samples), length
    H, W = samples[0].clip.frames.shape[1:3]
    frames = np.zeros((B, L, H, W, 3), np.uint8)
    mask, foreign = np.zeros((B, L), np.bool_), np.zeros((B, L), np.bool_)
    visible, parts = np.zeros((B, L), np.float32), np.zeros((B, L, PARTS), np.float32)
    for b, sample in enumerate(samples):
        n = len(sample.clip)
        frames[b, :n], mask[b, :n] = sample.clip.frames, True
        foreign[b, :n], visible[b, :n] = sample.foreign, sample.visible
        parts[b, :n] = sample.clip.part_shares()
    return Batch(
        frames=torch.from_numpy(frames),
        mask=torch.from_numpy(mask),
        labels=torch.tensor([sample.label for sample in samples]),
        foreign=torch.from_numpy(foreign),
        visible=torch.from_numpy(visible),
        parts=torch.from_numpy(parts),
        known=torch.tensor([sample.clip.masks is not None for sample in samples]),
    )
