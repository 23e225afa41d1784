"""Tracklets in, embeddings with their attention out.

`Embedder` is what every embedder must offer; `OnnxEmbedder` is the one that serves. It owns the
batching into a small fixed set of shapes (ONNX Runtime keeps memory for every shape it has met),
the checks on what comes out, and what happens when the device runs out of memory.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.bundle import Bundle, Manifest, golden_inputs, open_bundle
from model.errors import BundleInvalid, DeviceLost, ModelFailure, ModelOutputInvalid
from model.session import Device, OutOfMemory, Outputs, Session, SessionFailed, open_session
from model.threads import thread_budget

GOLDEN_COSINE = 0.999
"""Least cosine of a golden embedding to the stored one."""

_UNIT_TOLERANCE = 1e-2
_LARGEST_GPU_BATCH = 16


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


@dataclass
class OnnxEmbedder:
    """Embeds with a bundle's graph, up to `largest_batch` tracklets at once.

    Together they are padded to powers of two in number and length. With a `largest_batch` of 1
    nothing is padded: there are no more shapes than lengths, and no work is wasted.
    """

    manifest: Manifest
    session: Session
    largest_batch: int = 1
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def provider(self) -> str:
        return self.session.provider

    def embed(
        self, tracklets: Sequence[NDArray[np.uint8]]
    ) -> list[TrackletEmbedding | ModelFailure]:
        """See `Embedder.embed`. Raises `ValueError` where a tracklet has not the model's shape."""
        for tracklet in tracklets:
            self._check_input(tracklet)
        answers: dict[int, TrackletEmbedding | ModelFailure] = {}
        with self._turn:
            for places in self._batches([len(tracklet) for tracklet in tracklets]):
                batch = [tracklets[place] for place in places]
                answers.update(zip(places, self._embed_or_halve(batch), strict=True))
        return [answers[place] for place in range(len(tracklets))]

    def _check_input(self, tracklet: NDArray[np.uint8]) -> None:
        expected = (self.manifest.frame_height, self.manifest.frame_width, 3)
        most = self.manifest.frames_per_tracklet
        if (
            tracklet.dtype != np.uint8
            or tracklet.shape[1:] != expected
            or not 1 <= len(tracklet) <= most
        ):
            raise ValueError(
                f"a tracklet is uint8 [1..{most}, {', '.join(map(str, expected))}], "
                f"not {tracklet.dtype} {list(tracklet.shape)}"
            )

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Places of tracklets that share a padded length, at most `largest_batch` together."""
        by_length: dict[int, list[int]] = {}
        for place, length in enumerate(lengths):
            by_length.setdefault(self._padded_length(length), []).append(place)
        for places in by_length.values():
            for start in range(0, len(places), self.largest_batch):
                yield places[start : start + self.largest_batch]

    def _padded_length(self, length: int) -> int:
        if self.largest_batch == 1:
            return length
        return min(_power_of_two(length), self.manifest.frames_per_tracklet)

    def _embed_or_halve(
        self, batch: list[NDArray[np.uint8]]
    ) -> list[TrackletEmbedding | ModelFailure]:
        try:
            return self._embed_or_isolate(batch)
        except OutOfMemory as error:
            if len(batch) == 1:
                raise DeviceLost("the device has no memory left for one tracklet") from error
        middle = (len(batch) + 1) // 2
        try:
            return [
                *self._embed_or_isolate(batch[:middle]),
                *self._embed_or_isolate(batch[middle:]),
            ]
        except OutOfMemory as error:
            raise DeviceLost("the device has no memory left, not for half a batch") from error

    def _embed_or_isolate(
        self, batch: list[NDArray[np.uint8]]
    ) -> list[TrackletEmbedding | ModelFailure]:
        """On the CPU a failing batch is tried one by one, so that only the culprit fails.

        A CUDA error is sticky: nothing that follows on that context can succeed.
        """
        try:
            return self._embed_batch(batch)
        except SessionFailed as error:
            if self.session.provider == "cuda":
                raise DeviceLost(f"the device failed: {error}") from error
            if len(batch) == 1:
                return [ModelOutputInvalid(f"the model failed: {error}")]
        return [answer for tracklet in batch for answer in self._embed_or_isolate([tracklet])]

    def _embed_batch(
        self, batch: list[NDArray[np.uint8]]
    ) -> list[TrackletEmbedding | ModelFailure]:
        lengths = [len(tracklet) for tracklet in batch]
        B = min(_power_of_two(len(batch)), self.largest_batch)
        L = self._padded_length(max(lengths))
        frames = np.zeros((B, L, *batch[0].shape[1:]), dtype=np.uint8)
        mask = np.zeros((B, L), dtype=np.bool_)
        # A row without one valid frame would have no softmax: filler rows show one black frame.
        mask[:, 0] = True
        for row, tracklet in enumerate(batch):
            frames[row, : len(tracklet)] = tracklet
            mask[row, : len(tracklet)] = True
        outputs = self.session.run(frames, mask)
        return [checked(outputs, row, n) for row, n in enumerate(lengths)]


def checked(outputs: Outputs, row: int, n: int) -> TrackletEmbedding | ModelOutputInvalid:
    """Row `row` of a batch cut to its n frames, or why it cannot be used."""
    answer = TrackletEmbedding(
        embedding=outputs.embedding[row].copy(),
        temporal_attention=outputs.temporal_attention[row, :n].copy(),
        spatial_attention=outputs.spatial_attention[row, :n].copy(),
        global_attention=outputs.global_attention[row, :n].copy(),
    )
    fault = _fault(answer)
    return ModelOutputInvalid(fault) if fault else answer


def _fault(answer: TrackletEmbedding) -> str | None:
    """What is wrong with an answer; NaN and infinity survive the sums and fail the comparison."""
    with np.errstate(invalid="ignore", over="ignore"):
        ones = {
            "the embedding's length": np.linalg.norm(answer.embedding),
            "the sum of the temporal attention": answer.temporal_attention.sum(),
            "the sum of a frame's spatial attention": answer.spatial_attention.sum(axis=(1, 2)),
            "the sum of the global attention": answer.global_attention.sum(),
        }
        for what, value in ones.items():
            if not np.all(np.abs(value - 1) <= _UNIT_TOLERANCE):
                return f"{what} is not 1"
    weights = (answer.temporal_attention, answer.spatial_attention, answer.global_attention)
    if any(np.any(weight < 0) for weight in weights):
        return "an attention weight is negative"
    return None


def load_embedder(folder: Path, device: Device = "auto", threads: int = 0) -> OnnxEmbedder:
    """Open a bundle, load its graph on `device` and let it embed its golden inputs.

    `threads` 0 takes every core. Raises `BundleInvalid` where the files, the graph or the golden
    embeddings do not agree with the manifest, `DeviceUnavailable` where "cuda" is not there.
    """
    bundle = open_bundle(folder)
    session = open_session(bundle, device, thread_budget(threads).model)
    # On a CPU one tracklet is already a batch of 32 pictures: more at once gain nothing.
    largest = _LARGEST_GPU_BATCH if session.provider == "cuda" else 1
    embedder = OnnxEmbedder(bundle.manifest, session, largest)
    check_golden(embedder, bundle)
    return embedder


def check_golden(embedder: Embedder, bundle: Bundle) -> None:
    """Raise `BundleInvalid` unless golden inputs give the stored, and different, embeddings.

    Execution providers are known to give one vector for every input; two of them must therefore
    lie about as far apart as the stored ones.
    """
    found = []
    for answer in embedder.embed(golden_inputs(bundle.manifest)):
        if isinstance(answer, ModelFailure):
            raise BundleInvalid(f"the golden self-test failed: {answer.detail}") from answer
        found.append(answer.embedding)
    stored = bundle.golden
    cosines = [float(a @ b) / float(np.linalg.norm(b)) for a, b in zip(found, stored, strict=True)]
    if not min(cosines) >= GOLDEN_COSINE:
        raise BundleInvalid(
            f"the golden self-test failed on {embedder.provider}: cosine {min(cosines):.5f} to the "
            f"stored embeddings, at least {GOLDEN_COSINE} expected"
        )
    for second in range(1, len(found)):
        for first in range(second):
            apart = float(np.linalg.norm(found[first] - found[second]))
            expected = float(np.linalg.norm(stored[first] - stored[second]))
            if not apart > expected / 2 > 0:
                raise BundleInvalid(
                    f"the golden self-test failed on {embedder.provider}: "
                    "different inputs give one and the same vector"
                )


def _power_of_two(number: int) -> int:
    """The smallest power of two that is not less than `number`."""
    return 1 << (number - 1).bit_length()
