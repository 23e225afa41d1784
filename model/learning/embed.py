"""Tracklets of a data set -> embeddings, by the network itself or by an exported bundle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from model.datasets.tracklets import TrackletSource
from model.errors import InvalidParameter, ModelFailure
from model.learning.clip import read_clip
from model.learning.loader import single_threaded
from model.network.outputs import NetworkOutput
from model.network.variants import Network
from model.runtime import Embedder, TrackletEmbedding
from model.sampling import central_indices

BATCH = 8

Floats = NDArray[np.float32]
Clip = NDArray[np.uint8]
"""One tracklet's frames [n, H, W, 3]."""


@dataclass(frozen=True)
class Look:
    """Where a model looked in one tracklet of n frames."""

    temporal: Floats
    """[n], sums to 1."""
    spatial: Floats
    """[n, rows, columns], each frame sums to 1."""
    global_: Floats | None
    """[n, rows, columns], sums to 1 over the tracklet; None in a network without that branch."""


class ClipEmbedder(Protocol):
    """Embeds test tracklets that are decoded and resized."""

    size: tuple[int, int]
    """Height and width of a frame."""

    def embed(self, clips: Sequence[Clip]) -> Floats:
        """One unit vector each: [len(clips), D]."""

    def look(self, clip: Clip) -> Look:
        """Raises `InvalidParameter` for a network without attention."""


class NetworkEmbedder:
    """The network in evaluation mode, in float32 unless `autocast`."""

    def __init__(self, network: Network, device: torch.device, *, autocast: bool = False) -> None:
        self._network, self._device, self._autocast = network.eval(), device, autocast
        self.size = (network.config.height, network.config.width)

    def embed(self, clips: Sequence[Clip]) -> Floats:
        L = max(len(clip) for clip in clips)
        frames = np.zeros((len(clips), L, *self.size, 3), np.uint8)
        mask = np.zeros((len(clips), L), np.bool_)
        for b, clip in enumerate(clips):
            frames[b, : len(clip)], mask[b, : len(clip)] = clip, True
        return _array(self._forward(frames, mask).embedding)

    def look(self, clip: Clip) -> Look:
        output = self._forward(clip[None], np.ones((1, len(clip)), np.bool_))
        if output.temporal is None or output.spatial is None:
            raise InvalidParameter("a convolutional baseline has no attention to show")
        return Look(
            temporal=_array(output.temporal.attention[0]),
            spatial=_array(output.spatial.attention[0]),
            global_=None if output.global_ is None else _array(output.global_.attention[0]),
        )

    @torch.no_grad()
    def _forward(self, frames: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NetworkOutput:
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            output: NetworkOutput = self._network(
                torch.from_numpy(frames).to(self._device), torch.from_numpy(mask).to(self._device)
            )
        return output


def _array(tensor: torch.Tensor) -> Floats:
    array: Floats = tensor.float().cpu().numpy()
    return array


class BundleEmbedder:
    """An exported model as it serves."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.size = (embedder.manifest.frame_height, embedder.manifest.frame_width)

    def embed(self, clips: Sequence[Clip]) -> Floats:
        return np.stack([answer.embedding for answer in self._answers(clips)])

    def look(self, clip: Clip) -> Look:
        (answer,) = self._answers([clip])
        return Look(answer.temporal_attention, answer.spatial_attention, answer.global_attention)

    def _answers(self, clips: Sequence[Clip]) -> list[TrackletEmbedding]:
        answers = []
        for answer in self._embedder.embed(clips):
            if isinstance(answer, ModelFailure):
                raise answer
            answers.append(answer)
        return answers


def read_test_clip(tracklet: TrackletSource, frames: int, size: tuple[int, int]) -> Clip:
    """The middle frame of each of `frames` chunks, fewer where the tracklet has fewer."""
    indices = central_indices(len(tracklet.frames), frames).tolist()
    return read_clip(tracklet, indices, *size).frames


class _TestClips(Dataset[list[Clip]]):
    """Batch k of the tracklets, decoded."""

    def __init__(
        self, tracklets: Sequence[TrackletSource], frames: int, size: tuple[int, int]
    ) -> None:
        self._tracklets, self._frames, self._size = tracklets, frames, size

    def __getitem__(self, k: int) -> list[Clip]:
        batch = self._tracklets[k * BATCH : (k + 1) * BATCH]
        return [read_test_clip(tracklet, self._frames, self._size) for tracklet in batch]


def embed_tracklets(
    tracklets: Sequence[TrackletSource],
    embedder: ClipEmbedder,
    *,
    frames: int,
    workers: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> Floats:
    """At most `frames` frames of each tracklet -> [len(tracklets), D]; tells `advance` each batch.

    Raises what decoding raises, and `ModelFailure`.
    """
    loader = DataLoader(
        _TestClips(tracklets, frames, embedder.size),
        batch_size=None,
        sampler=range(-(-len(tracklets) // BATCH)),
        num_workers=workers,
        worker_init_fn=single_threaded,
        collate_fn=_as_it_is,
    )
    rows = []
    for clips in loader:
        rows.append(embedder.embed(clips))
        advance(len(clips))
    return np.concatenate(rows)


def _as_it_is(clips: list[Clip]) -> list[Clip]:
    """Keep arrays arrays; the default would make tensors of them."""
    return clips
