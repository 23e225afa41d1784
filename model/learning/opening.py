"""A model by its path: the bundle that serves, or a checkpoint."""

from pathlib import Path
from typing import Literal

from model.learning.embed import BundleEmbedder, ClipEmbedder, NetworkEmbedder
from model.learning.precision import choose_device
from model.network.weights import load_weights


def open_embedder(path: Path, device: Literal["auto", "cpu", "cuda"]) -> ClipEmbedder:
    """A folder is a bundle and runs in ONNX Runtime; a file is a checkpoint and runs in torch.

    Raises `BundleInvalid`, `DeviceUnavailable`, or `InvalidParameter` where it is neither.
    """
    if path.is_dir():
        from model.runtime import load_embedder

        return BundleEmbedder(load_embedder(path, device))
    chosen = choose_device(device)
    return NetworkEmbedder(load_weights(path).to(chosen), chosen)
