"""Batches made by worker processes: decode, resize, swap in strangers, augment, pad.

A worker makes whole batches, each from its step's plan alone, and they arrive in order.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from model.datasets.tracklets import TrackletSource
from model.learning.augment import Donors, augment, remaining_visible
from model.learning.batch import Batch, Sample, collate
from model.learning.clip import Clip, read_clip
from model.learning.config import AugmentSettings
from model.learning.sampler import Pick, PKSampler, Plan
from model.opencv import cv2

PREFETCH = 4


class BatchMaker(Dataset[Batch]):
    """Batch number `step` of a stage; `rank` of `world` processes makes its share of it."""

    def __init__(
        self,
        tracklets: tuple[TrackletSource, ...],
        sampler: PKSampler,
        settings: AugmentSettings,
        size: tuple[int, int],
        *,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self._tracklets, self._sampler, self._settings = tracklets, sampler, settings
        self._size, self._rank, self._world = size, rank, world
        self._donors = Donors(self._any_frame, settings.patch_pool, seed)

    def __getitem__(self, step: int) -> Batch:
        plan = self._sampler.plan(step)
        picks = self._share(plan)
        return collate([self._sample(pick) for pick in picks], plan.shape.frames)

    def _share(self, plan: Plan) -> tuple[Pick, ...]:
        """This process's part: every process gets equally many tracklets, whole people first."""
        each = len(plan.picks) // self._world
        return plan.picks[self._rank * each : (self._rank + 1) * each]

    def _sample(self, pick: Pick) -> Sample:
        rng = np.random.Generator(np.random.PCG64(pick.seed))
        tracklet = self._tracklets[pick.tracklet]
        clip = read_clip(tracklet, pick.frames, *self._size)
        changed = augment(clip, self._settings, self._donors, rng)
        visible = remaining_visible(clip, changed)
        foreign = _strangers_already(tracklet, pick.frames)
        for stranger in pick.strangers:
            source = self._tracklets[stranger.tracklet]
            other = read_clip(source, [stranger.frame], *self._size)
            changed.place(stranger.slot, augment(other, self._settings, self._donors, rng), 0)
            foreign[stranger.slot], visible[stranger.slot] = True, 0
        return Sample(changed, self._sampler.label[tracklet.identity], foreign, visible)

    def _any_frame(self, rng: np.random.Generator) -> Clip:
        tracklet = self._tracklets[rng.integers(len(self._tracklets))]
        return read_clip(tracklet, [int(rng.integers(len(tracklet.frames)))], *self._size)


def _strangers_already(tracklet: TrackletSource, frames: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where the tracker itself was on somebody else: bool [l]."""
    if tracklet.truth is None:
        return np.zeros(len(frames), np.bool_)
    return tracklet.truth.foreign[list(frames)]


def load_batches(
    maker: BatchMaker, steps: range, *, workers: int, pin: bool = False
) -> Iterator[Batch]:
    """The batches of `steps` in order."""
    loader = DataLoader(
        maker,
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        prefetch_factor=PREFETCH if workers else None,
        worker_init_fn=single_threaded,
        pin_memory=pin,
    )
    return iter(loader)


def single_threaded(_: int) -> None:
    """Workers share the machine with the training process: one thread each."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
