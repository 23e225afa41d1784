"""What any figure has to be compared with: embeddings that nobody trained on people."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from model.errors import InvalidParameter
from model.learning.embed import Clip, ClipEmbedder, Floats, Look, NetworkEmbedder
from model.network.config import NetworkConfig, preset
from model.network.variants import build_network, with_structure
from model.network.weights import load_backbone
from model.synthetic.probe import colour_stripes

IMAGENET = "imagenet-gap"
COLOURS = "colour-stripes"
BASELINES = (IMAGENET, COLOURS)


class ColourStripes:
    """Histograms of eight stripes, averaged over frames; square roots make them unit vectors."""

    size = (128, 64)

    def embed(self, clips: Sequence[Clip]) -> Floats:
        means = np.stack([np.mean([colour_stripes(f) for f in clip], axis=0) for clip in clips])
        vectors = np.sqrt(means)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    def look(self, clip: Clip) -> Look:
        raise InvalidParameter("colour stripes have no attention to show")


def imagenet_average(
    weights: Path, device: torch.device, size: NetworkConfig | None = None
) -> ClipEmbedder:
    """ResNet-50's stages 1 to 3 as they came from ImageNet, averaged over pixels and frames.

    In the Caffe layout, at the size of preset `full`. Raises `InvalidParameter` where the file
    holds no such weights.
    """
    network = build_network(with_structure(size or preset("full"), "cnn-three-stages"))
    load_backbone(network.backbone, weights)
    return NetworkEmbedder(network.to(device), device)


def open_baseline(text: str, device: torch.device) -> tuple[str, ClipEmbedder]:
    """`NAME` or `NAME=FILE` as on a command line: its name and what embeds.

    Raises `InvalidParameter` for a name that is none, or a file that is missing or not wanted.
    """
    name, _, file = text.partition("=")
    if name not in BASELINES:
        raise InvalidParameter(f"no baseline {name!r}; there are {', '.join(BASELINES)}")
    if (name == IMAGENET) != bool(file):
        wanted = f"needs its weights: {IMAGENET}=FILE" if name == IMAGENET else "takes no file"
        raise InvalidParameter(f"the baseline {name} {wanted}")
    if name == COLOURS:
        return name, ColourStripes()
    return name, imagenet_average(Path(file), device)
