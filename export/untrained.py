"""A network that nobody trained: for tests, benchmarks, and as a beginning."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from export.pictures import mixed_tracklets
from model.network.config import NetworkConfig, PresetName, preset
from model.network.identity import identity_initialise, patch_basis_from_features
from model.network.stt_gt import SttGt
from model.network.weights import load_backbone

TRACKLETS = 8
FRAMES = 2


def untrained_network(name: PresetName, backbone: Path | None = None, seed: int = 0) -> SttGt:
    """A network of a preset in evaluation mode, the same for the same arguments.

    `backbone` are ImageNet weights; without them its convolutions are random. The transformers
    start as averages, and batch norms take their statistics from seeded pictures, without which
    all embeddings would nearly be one. Raises `InvalidParameter` for unusable backbone weights.
    """
    torch.manual_seed(seed)
    # Classes never reach a bundle.
    network = SttGt(NetworkConfig.model_validate(preset(name).model_dump() | {"identities": 0}))
    frames = _pictures(network.config, seed)
    network.eval()
    if backbone is not None:
        load_backbone(network.backbone, backbone)
    with torch.no_grad():
        pixels = network.normalise(frames.flatten(0, 1))
        if backbone is None:
            _renew_statistics(network.backbone)
            network.backbone(pixels)
            network.eval()
        features = network.backbone(pixels)
        identity_initialise(
            network, patch_basis_from_features(features, network.config.token_width, seed)
        )
        for head in (network.temporal_head, network.global_head):
            assert head is not None
            _renew_statistics(head)
        network(frames)
    return network.eval()


def _renew_statistics(module: nn.Module) -> None:
    """Let the batch norms of `module` take their statistics from the next pass alone."""
    for norm in module.modules():
        if isinstance(norm, (nn.BatchNorm1d, nn.BatchNorm2d)):
            norm.reset_running_stats()
            norm.momentum = 1.0
            norm.train()


def _pictures(config: NetworkConfig, seed: int) -> Tensor:
    """[B, L, H, W, 3] uint8."""
    tracklets = mixed_tracklets(seed, [FRAMES] * TRACKLETS, config.height, config.width)
    return torch.from_numpy(np.stack(tracklets))
