"""Does the exported file compute what the network computes, at every batch size and length?

Graphs have been seen that were right at batch 1 and wrong above, and padding that leaked into
answers. So the file is run against the network at several shapes, and against itself: a short
tracklet must give one answer alone and padded in a batch, whatever lies in the padding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from export.onnx import OUTPUTS
from model.bundle import Parity, ParityRow, Precision, colour_tracklets
from model.errors import BundleInvalid
from model.network.stt_gt import SttGt

Storage = Literal["plain", "compact"]
Outputs = dict[str, NDArray[np.float32]]

SHAPES = ((1, 1, False), (1, 32, False), (3, 5, False), (2, 17, False), (3, 32, True))
"""Batch, frames, and whether the tracklets are shorter than that and padded."""
PADDED_LENGTHS = (5, 17, 31)
MIN_COSINE = 0.999
"""Below this a variant is another model and needs another `model_id`."""
MIN_PADDING_COSINE = 0.9999
SEED = 20_210_330


@dataclass(frozen=True)
class Limits:
    """What a variant may differ by: any entry of an output, and the embedding's direction.

    A trained attention is sharp: its logits are large, and what float32 rounds in them comes out
    magnified. Full precision itself is then .0001 away from float64 on the artificial pictures
    here, so attention maps are allowed more than the embedding.
    """

    tolerance: float
    attention_tolerance: float
    cosine: float

    def of(self, output: str) -> float:
        """For the output of this name."""
        return self.tolerance if output == "embedding" else self.attention_tolerance


def limits(precision: Precision, storage: Storage) -> Limits:
    """int8 is allowed to become another model, the others are not."""
    if precision == "int8":
        return Limits(0.5, 0.5, 0.9)
    if precision == "fp16" or storage == "compact":
        return Limits(0.02, 0.02, MIN_COSINE)
    return Limits(1e-4, 1e-3, MIN_COSINE)


class ExportedModel:
    """One ONNX file in a CPU session."""

    def __init__(self, path: Path, storage: Storage) -> None:
        options = onnxruntime.SessionOptions()
        # Errors only: "no CPU kernel, cannot fold" is expected of half-precision files.
        options.log_severity_level = 3
        if storage == "compact":
            # Otherwise DequantizeLinear of weights stays in the graph and runs every time.
            options.add_session_config_entry("session.disable_quant_qdq", "1")
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )

    def run(self, frames: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Outputs:
        """frames [B, L, H, W, 3] and mask [B, L] -> the outputs by name."""
        values = self._session.run(OUTPUTS, {"frames": frames, "mask": mask})
        return dict(zip(OUTPUTS, values, strict=True))


def run_network(network: SttGt, frames: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Outputs:
    """The same outputs from the network's full forward pass; it must be in evaluation mode."""
    with torch.inference_mode():
        out = network(torch.from_numpy(frames), torch.from_numpy(mask))
    maps = (out.temporal.attention, out.spatial.attention, out.global_.attention)
    return dict(zip(OUTPUTS, (value.numpy() for value in (out.embedding, *maps)), strict=True))


def check_parity(
    network: SttGt, exported: ExportedModel, allowed: Limits, reference: str
) -> Parity:
    """Compare file and network. Raises `BundleInvalid` with the first figure out of its limit."""
    rows = tuple(_compare(network, exported, *shape) for shape in SHAPES)
    parity = Parity(
        tolerance=allowed.tolerance,
        attention_tolerance=allowed.attention_tolerance,
        reference=reference,
        rows=rows,
        padding_cosine=_padding_cosine(network, exported),
    )
    _require(parity, allowed)
    return parity


def cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row by row cosine of [B, D] and [B, D]; not a number where a vector has no length."""
    dot = (a * b).sum(1)
    with np.errstate(invalid="ignore"):
        cosine: NDArray[np.float32] = dot / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return cosine


def padded_batch(
    tracklets: Sequence[NDArray[np.uint8]], length: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Tracklets [n, H, W, 3] -> frames [B, L, H, W, 3] with noise in the padding, mask [B, L]."""
    rng = np.random.default_rng(SEED)
    shape = (len(tracklets), length, *tracklets[0].shape[1:])
    frames = rng.integers(0, 256, shape, dtype=np.uint8)
    mask = np.zeros(shape[:2], np.bool_)
    for row, tracklet in enumerate(tracklets):
        frames[row, : len(tracklet)] = tracklet
        mask[row, : len(tracklet)] = True
    return frames, mask


def _compare(
    network: SttGt, exported: ExportedModel, batch: int, length: int, padded: bool
) -> ParityRow:
    lengths = [max(1, length * (i + 1) // (batch + 1)) if padded else length for i in range(batch)]
    config = network.config
    tracklets = colour_tracklets(SEED + length, lengths, config.height, config.width)
    frames, mask = padded_batch(tracklets, length)
    expected, found = run_network(network, frames, mask), exported.run(frames, mask)
    differences = {
        name: float(np.abs(expected[name] - found[name]).max(initial=0)) for name in OUTPUTS
    }
    cosine = float(cosines(expected["embedding"], found["embedding"]).min())
    return ParityRow(
        batch=batch, length=length, padded=padded, differences=differences, cosine=cosine
    )


def _padding_cosine(network: SttGt, exported: ExportedModel) -> float:
    config = network.config
    tracklets = colour_tracklets(SEED, PADDED_LENGTHS, config.height, config.width)
    together = exported.run(*padded_batch(tracklets, 32))["embedding"]
    alone = [
        exported.run(*padded_batch([frames], len(frames)))["embedding"] for frames in tracklets
    ]
    return float(cosines(together, np.concatenate(alone)).min())


def _require(parity: Parity, allowed: Limits) -> None:
    # Written so that a figure that is not a number fails too.
    for row in parity.rows:
        where = f"at B={row.batch}, L={row.length}"
        for name, difference in row.differences.items():
            if not difference <= allowed.of(name):
                raise BundleInvalid(
                    f"{name} differs by {difference:.2g} {where}; {allowed.of(name):g} is allowed"
                )
        if not row.cosine >= allowed.cosine:
            raise BundleInvalid(
                f"the embedding's cosine is {row.cosine:.6f} {where}; {allowed.cosine} is needed"
            )
    if not parity.padding_cosine >= MIN_PADDING_COSINE:
        raise BundleInvalid(f"padding changes an embedding: cosine {parity.padding_cosine:.6f}")
