"""Checkpoints, pre-trained backbone weights, and the name of a set of weights.

A checkpoint is one safetensors file whose metadata holds the configuration and the provenance as
JSON, so that a file alone rebuilds its network and nothing in it can execute.
"""

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.errors import InvalidParameter
from model.network.backbone import Backbone
from model.network.config import NetworkConfig
from model.network.variants import Network, build_network

FORMAT = "sightline-weights-1"
TRAINING_HEADS = ("cnn_head.", "spatial_head.", "part_heads.")
"""Modules whose outputs never reach an embedding of `SttGt`, nor one of the CNN baselines."""


@dataclass(frozen=True)
class Checkpoint:
    """A network in evaluation mode and how it came about."""

    network: Network
    training: dict[str, Any]


def save_weights(path: Path, network: Network, training: Mapping[str, Any] | None = None) -> None:
    """Write a checkpoint, all or nothing; `training` is provenance and must be JSON."""
    metadata = {
        "format": FORMAT,
        "config": network.config.model_dump_json(),
        "training": json.dumps(dict(training or {"trained": False}), sort_keys=True),
    }
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".weights-") as folder:
        fresh = Path(folder) / path.name
        save_file(tensors, fresh, metadata)
        fresh.replace(path)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read what `save_weights` wrote. Raises `InvalidParameter` where the file is none of ours."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        if metadata.get("format") != FORMAT:
            raise InvalidParameter(f"{path} is not a checkpoint of this program")
        network = build_network(NetworkConfig.model_validate_json(metadata["config"]))
        network.load_state_dict(load_file(path))
        training = json.loads(metadata["training"])
    except (OSError, SafetensorError, ValidationError, ValueError, KeyError, RuntimeError) as error:
        raise InvalidParameter(f"{path} is not a usable checkpoint: {error}") from error
    network.eval()
    return Checkpoint(network, training)


def read_training(path: Path) -> dict[str, Any] | None:
    """The provenance of a checkpoint; None where the file is none of ours."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        training: dict[str, Any] = json.loads(metadata["training"])
    except (OSError, SafetensorError, ValueError, KeyError):
        return None
    return training


def load_weights(path: Path) -> Network:
    """The network of a checkpoint, in evaluation mode."""
    return load_checkpoint(path).network


def copy_weights(source: Network, target: Network) -> list[str]:
    """Copy every tensor that both have in the same shape; returns the target's names left alone.

    For fine-tuning: other identities (new classifiers), another input size, a global transformer
    added to `stt`.
    """
    theirs = source.state_dict()
    ours = target.state_dict()
    shared = {name for name in ours if name in theirs and theirs[name].shape == ours[name].shape}
    target.load_state_dict({name: theirs[name] for name in shared}, strict=False)
    return sorted(ours.keys() - shared)


def load_backbone(backbone: Backbone, path: Path) -> list[str]:
    """Load ImageNet weights with torchvision's names from .npz, .safetensors or .pth.

    Stages and classifiers that the backbone lacks are ignored. Returns the names that the file
    does not provide: whole stages at the end only, for a file may hold fewer stages than the CNN
    baseline has. Raises `InvalidParameter` where anything else is missing or has another shape.
    """
    given = _read_tensors(path)
    wanted = {k: v for k, v in backbone.state_dict().items() if not k.endswith("_tracked")}
    missing = sorted(wanted.keys() - given.keys())
    provided = {name.split(".")[0] for name in wanted.keys() & given.keys()}
    if "conv1" not in provided or any(name.split(".")[0] in provided for name in missing):
        raise InvalidParameter(f"{path} lacks {missing[0]} and {len(missing) - 1} other tensors")
    for name in wanted.keys() & given.keys():
        if given[name].shape != wanted[name].shape:
            found, expected = tuple(given[name].shape), tuple(wanted[name].shape)
            raise InvalidParameter(f"{path}: {name} has shape {found} where {expected} is needed")
    backbone.load_state_dict({name: given[name] for name in wanted if name in given}, strict=False)
    return missing


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                return {name: torch.from_numpy(file[name]) for name in file.files}
        if path.suffix == ".safetensors":
            return load_file(path)
        if path.suffix in (".pth", ".pt"):
            state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
            return state
    except (OSError, SafetensorError, ValueError, RuntimeError, EOFError) as error:
        raise InvalidParameter(f"{path} holds no readable weights: {error}") from error
    raise InvalidParameter(f"{path}: backbone weights are .npz, .safetensors or .pth files")


def inference_state(network: Network) -> dict[str, Tensor]:
    """The tensors that an embedding depends on, by name: all but classifiers, the heads that only
    losses see, and counters."""
    return {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not name.startswith(TRAINING_HEADS)
        and ".classifier." not in name
        and not name.endswith("num_batches_tracked")
    }


def model_id(network: Network) -> str:
    """First 16 hex digits of the SHA-256 over `inference_state`.

    Tensors enter in the order of their names: name, shape, then float32 little-endian bytes. The
    same weights have the same name on every machine and in every file format.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(inference_state(network).items()):
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().numpy().astype("<f4").tobytes())
    return digest.hexdigest()[:16]
