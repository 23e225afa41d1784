"""Tracklets in, embeddings with their attention out: what every embedder must offer.

`OnnxEmbedder` is the one that serves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.bundle import Manifest
from model.errors import ModelFailure


@dataclass(frozen=True)
class TrackletEmbedding:
    """One tracklet's answer. n is the number of its frames; padding has been cut off."""

    embedding: NDArray[np.float32]
    """[D], unit length."""
    temporal_attention: NDArray[np.float32]
    """[n], sums to 1."""
    spatial_attention: NDArray[np.float32]
    """[n, rows, columns], each frame sums to 1."""
    global_attention: NDArray[np.float32]
    """[n, rows, columns], sums to 1 over the tracklet."""


class Embedder(Protocol):
    """Embeds tracklets that are already sampled and resized."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def provider(self) -> str:
        """The execution provider in effect, "cpu" or "cuda"."""

    def embed(
        self, tracklets: Sequence[NDArray[np.uint8]]
    ) -> list[TrackletEmbedding | ModelFailure]:
        """Embed a batch of RGB tracklets, each uint8 [n, H, W, 3] with 1 <= n <= 32.

        One answer per tracklet in order; a tracklet whose output is not finite gets a
        `ModelOutputInvalid` in its place, so that it fails alone. Raises `DeviceLost` where the
        device fails as a whole. Safe to call from any thread; calls take turns.
        """
