"""The network of a bundle: weights read back from `model.onnx`, for training and other precisions.

The inference graph keeps every weight under its name (see `export.graph`), with three differences:
matrices are [in, out], batch norms are folded into the convolutions before them, and positional
embeddings are at the size of the input. Storage in float16 or int8 is undone here, not its
rounding. What only losses use (their heads, the classifiers) is not in a bundle and starts anew.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor
from torch.nn.functional import interpolate

from model.bundle import open_bundle
from model.errors import BundleInvalid, InvalidParameter
from model.network.config import STORED_GRID, NetworkConfig
from model.network.stt_gt import SttGt
from model.network.weights import inference_state

ATTENTION_PARTS = {"query", "key", "value", "projection"}
MATRICES = ATTENTION_PARTS | {"expand", "contract"}
BATCH_NORM_EPSILON = 1e-5


def weights_from_bundle(folder: Path) -> SttGt:
    """Rebuild the network of a float32 or float16 bundle, in evaluation mode.

    Its backbone's batch norms have mean 0 and variance 1: train it with frozen statistics. Raises
    `BundleInvalid` where the bundle or its weights are damaged, `InvalidParameter` for int8.
    """
    bundle = open_bundle(folder)
    if bundle.manifest.precision == "int8":
        raise InvalidParameter(f"{folder} holds int8 arithmetic: its source weights are elsewhere")
    try:
        network = SttGt(NetworkConfig.model_validate(bundle.manifest.network))
        state = _network_state(_stored_weights(bundle.model_path), network)
        network.load_state_dict(state, strict=False)
    except (ValidationError, RuntimeError) as error:
        raise BundleInvalid(f"{folder}: weights and configuration disagree: {error}") from error
    absent = inference_state(network).keys() - state.keys() - {"pixel_mean", "pixel_std"}
    if absent:
        raise BundleInvalid(f"{folder} lacks {min(absent)} and {len(absent) - 1} other weights")
    network.eval()
    return network


def _stored_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Every named weight of an ONNX file in float32, restored from compact storage."""
    import onnx  # only whoever reads a bundle's weights needs the exporter's packages
    from onnx.reference import ReferenceEvaluator

    graph = onnx.load(path).graph
    weights = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    constant = set(weights)
    restoring = []
    for node in graph.node:
        # Compact storage puts its nodes first; the first one that needs an input ends them.
        if not constant.issuperset(node.input):
            break
        restoring.append(node)
        constant.update(node.output)
    made = [name for node in restoring for name in node.output]
    outputs = [onnx.helper.make_empty_tensor_value_info(name) for name in made]
    part = onnx.helper.make_graph(restoring, "restore", [], outputs, list(graph.initializer))
    if made:
        opset = onnx.helper.make_opsetid("", 20)
        restore = ReferenceEvaluator(onnx.helper.make_model(part, opset_imports=[opset]))
        values: Any = restore.run(None, {})  # a list here, typed as list or dict
        weights.update(zip(made, values, strict=True))
    return {name: np.asarray(value, np.float32) for name, value in weights.items()}


def _network_state(weights: dict[str, NDArray[np.float32]], network: SttGt) -> dict[str, Tensor]:
    """Names and layouts of the inference graph -> those of the network."""
    state: dict[str, Tensor] = {}
    for name, value in weights.items():
        tensor = torch.from_numpy(value.copy())
        module, _, leaf = name.rpartition(".")
        if module.startswith("backbone."):
            state.update(_unfolded(module, leaf, tensor))
        elif module in ("temporal_neck", "global_neck"):
            state[f"{module.removesuffix('_neck')}_head.neck.{leaf}"] = tensor
            state[f"{module.removesuffix('_neck')}_head.neck.bias"] = torch.zeros_like(tensor)
        elif name == "position_tokens":
            state["positions"] = _stored_positions(tensor, network.config.grid)
        else:
            owner, _, last = module.rpartition(".")
            path = f"{owner}.attention.{last}" if last in ATTENTION_PARTS else module
            matrix = last in MATRICES and leaf == "weight"
            state[f"{path}.{leaf}"] = tensor.T if matrix else tensor
    return {name: tensor for name, tensor in state.items() if name in network.state_dict()}


def _unfolded(convolution: str, leaf: str, tensor: Tensor) -> dict[str, Tensor]:
    """A folded convolution's weight as it is; its bias as a batch norm that only adds it."""
    if leaf == "weight":
        return {f"{convolution}.weight": tensor}
    owner, _, last = convolution.rpartition(".")
    norm = f"{owner}.{'1' if last == '0' else last.replace('conv', 'bn')}"
    return {
        f"{norm}.bias": tensor,
        f"{norm}.weight": torch.ones_like(tensor),
        f"{norm}.running_mean": torch.zeros_like(tensor),
        f"{norm}.running_var": torch.full_like(tensor, 1 - BATCH_NORM_EPSILON),
    }


def _stored_positions(tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    """Position tokens [N, D] at `grid` -> [D, 8, 4], so that resizing gives the tokens again.

    Bicubic resizing is linear in the stored values, so its pseudo-inverse undoes it.
    """
    if grid == STORED_GRID:
        return tokens.T.reshape(-1, *STORED_GRID)
    cells = STORED_GRID[0] * STORED_GRID[1]
    basis = torch.eye(cells).view(cells, 1, *STORED_GRID)
    resize = interpolate(basis, grid, mode="bicubic", align_corners=False).flatten(1)  # [32, N]
    positions: Tensor = tokens.T @ torch.linalg.pinv(resize)
    return positions.view(-1, *STORED_GRID)
