"""Where an export's weights come from, and what stays with them whatever their precision."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.parity import run_network
from export.untrained import untrained_network
from model.bundle import CALIBRATION, Metric, colour_tracklets, open_bundle
from model.errors import InvalidParameter
from model.network.config import PresetName
from model.network.rebuild import weights_from_bundle
from model.network.stt_gt import SttGt
from model.network.weights import load_checkpoint, model_id

GOLDEN_SEED = 1
GOLDEN_LENGTHS = (1, 3, 8)
"""Short, because they run at every start; different, so that padding is part of the test."""


@dataclass(frozen=True)
class Golden:
    """The self-test's seed and lengths, and the embeddings [len(lengths), D] that float32 gave."""

    seed: int
    lengths: tuple[int, ...]
    embeddings: NDArray[np.float32]


@dataclass(frozen=True)
class Source:
    """A network to export."""

    network: SttGt
    model_id: str
    described: str
    """What the exported file is compared with, for the parity report."""
    training: dict[str, Any]
    golden: Golden
    frames_per_tracklet: int = 32
    metrics: tuple[Metric, ...] = ()
    licences: tuple[str, ...] = ()
    calibration: bytes | None = None

    def golden_tracklets(self) -> list[NDArray[np.uint8]]:
        """The self-test's inputs, each uint8 [n, H, W, 3]."""
        config = self.network.config
        return colour_tracklets(self.golden.seed, self.golden.lengths, config.height, config.width)


def read_source(path: Path) -> Source:
    """The source at `path`: a bundle where it is a folder, else a checkpoint.

    Raises `InvalidParameter` or `BundleInvalid` where it is neither, or cannot be exported.
    """
    return _from_bundle(path) if path.is_dir() else _from_checkpoint(path)


def untrained_source(name: PresetName, backbone: Path | None, seed: int) -> Source:
    """A network of a preset that nobody trained (see `export.untrained`)."""
    network = untrained_network(name, backbone, seed)
    start = "random" if backbone is None else backbone.name
    training = {"trained": False, "preset": name, "seed": seed, "backbone": start}
    return _fresh_source(network, f"untrained network {name}", training)


def _from_checkpoint(path: Path) -> Source:
    checkpoint = load_checkpoint(path)
    network = checkpoint.network
    if not isinstance(network, SttGt) or network.global_ is None:
        raise InvalidParameter(
            f"{path} holds the variant {network.config.variant}: only stt-gt becomes a bundle"
        )
    return _fresh_source(network, f"checkpoint {path.name}", checkpoint.training)


def _fresh_source(network: SttGt, described: str, training: dict[str, Any]) -> Source:
    config = network.config
    tracklets = colour_tracklets(GOLDEN_SEED, GOLDEN_LENGTHS, config.height, config.width)
    golden = Golden(GOLDEN_SEED, GOLDEN_LENGTHS, _embed(network, tracklets))
    return Source(network, model_id(network), described, training, golden)


def _from_bundle(folder: Path) -> Source:
    """Keeps the bundle's golden embeddings: they came from the unrounded weights."""
    bundle = open_bundle(folder)
    manifest = bundle.manifest
    calibration = folder / CALIBRATION
    return Source(
        network=weights_from_bundle(folder),
        model_id=manifest.model_id,
        described=f"{manifest.precision} bundle {manifest.name} {manifest.version}",
        training=manifest.training,
        golden=Golden(manifest.golden.seed, manifest.golden.lengths, bundle.golden),
        frames_per_tracklet=manifest.frames_per_tracklet,
        metrics=manifest.metrics,
        licences=manifest.licences,
        calibration=calibration.read_bytes() if calibration.exists() else None,
    )


def _embed(network: SttGt, tracklets: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    alone = [(frames[None], np.ones((1, len(frames)), np.bool_)) for frames in tracklets]
    return np.concatenate([run_network(network, *pair)["embedding"] for pair in alone])
