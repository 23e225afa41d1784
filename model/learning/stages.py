"""The networks of a recipe: how a stage starts from what was before it."""

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from model.bundle import Manifest
from model.errors import InvalidParameter
from model.learning.config import Stage, TrainingConfig
from model.learning.loader import BatchMaker
from model.network.config import NetworkConfig
from model.network.identity import identity_initialise, patch_basis_from_features
from model.network.stt_gt import SttGt
from model.network.variants import Network, build_network
from model.network.weights import copy_weights, load_backbone, load_weights, read_training

BASIS_FRAMES = 512
"""Frames whose features decide the patch convolution's principal components."""


def build_stage(
    stage: Stage, previous: Network | None, identities: int, maker: BatchMaker, seed: int
) -> Network:
    """The stage's network with the weights of `previous`, as far as they fit, and frozen parts."""
    classes = identities if stage.losses.weights.classify else 0
    values = stage.network.model_dump() | {"identities": classes}
    torch.manual_seed(seed)
    network = build_network(NetworkConfig.model_validate(values))
    if previous is not None:
        copy_weights(previous, network)
    starts_from_cnn = not isinstance(previous, SttGt)
    if stage.identity_initialise and starts_from_cnn and isinstance(network, SttGt):
        features = backbone_features(network, maker)
        identity_initialise(
            network, patch_basis_from_features(features, network.config.token_width)
        )
    network.backbone.freeze(stages=stage.freeze.stages, statistics=stage.freeze.statistics)
    if stage.checkpoint_backbone:
        recompute_backbone(network)
    return network


@torch.no_grad()
def backbone_features(network: SttGt, maker: BatchMaker) -> Tensor:
    """Feature maps [n, C, h, w] of the first training frames, in evaluation mode."""
    was_training = network.training
    network.eval()
    maps: list[Tensor] = []
    step = 0
    while sum(map(len, maps)) < BASIS_FRAMES and step < BASIS_FRAMES:
        batch = maker[step]
        maps.append(network.backbone(network.normalise(batch.frames[batch.mask])))
        step += 1
    network.train(was_training)
    return torch.cat(maps)


def recompute_backbone(network: Network) -> None:
    """Keep only the input of each residual block for the backward pass (slower, less memory).

    Without frozen statistics a block's batch norms follow the running mean twice a step.
    """
    for name in network.backbone.stage_names:
        for block in network.backbone.get_submodule(name).children():
            # An attribute, not a wrapping module: names of weights must not change.
            again = partial(checkpoint, block.forward, use_reentrant=False)
            object.__setattr__(block, "forward", again)


def load_initial(path: Path, config: TrainingConfig) -> Network:
    """A network to start from: a bundle, a checkpoint of this program, or backbone weights alone.

    Raises `InvalidParameter` or `BundleInvalid` where it is none of these, or where it is a bundle
    and the recipe would let its folded batch norms follow batches again.
    """
    if path.is_dir():
        if not all(stage.freeze.statistics for stage in config.stages):
            raise InvalidParameter(
                f"a bundle's batch norms are folded and the recipe {config.preset} trains them: "
                "start from a checkpoint, or use a recipe that freezes them"
            )
        from model.network.rebuild import weights_from_bundle

        return weights_from_bundle(path)
    try:
        return load_weights(path)
    except InvalidParameter:
        network = build_network(config.stages[0].network)
        load_backbone(network.backbone, path)
        return network


def describe_initial(path: Path | None) -> tuple[str, dict[str, Any] | None]:
    """What a provenance says of weights to start from: their name, and how they were trained.

    The latter is None for what this program did not train. Raises `BundleInvalid`.
    """
    if path is None:
        return "random", None
    if path.is_dir():
        manifest = Manifest.load(path)
        return f"{manifest.name} {manifest.version} ({manifest.model_id})", manifest.training
    return path.name, read_training(path)
