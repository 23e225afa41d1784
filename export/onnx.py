"""Inference graph -> ONNX model: dynamic B and L, opset 20, parameters under their own names."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import onnx
import onnx_ir
import torch
from numpy.typing import NDArray
from onnx_ir.passes import common
from onnxscript.optimizer import fold_constants

from export.graph import InferenceGraph
from model.bundle import TensorSpec

OPSET = 20
INPUTS = ("frames", "mask")
OUTPUTS = ("embedding", "temporal_attention", "spatial_attention", "global_attention")

LARGEST_FOLDED = 16
"""Only shape arithmetic is folded: a folded weight could no longer be found by its name."""


def to_onnx(graph: InferenceGraph) -> onnx.ModelProto:
    """Export the graph as it is, in the precision of its parameters."""
    config = graph.config
    # Sizes other than 1, and different ones: exporters like to take a 1 for a constant.
    frames = torch.zeros(2, 3, config.height, config.width, 3, dtype=torch.uint8)
    mask = torch.ones(2, 3, dtype=torch.bool)
    B, L = torch.export.Dim("B"), torch.export.Dim("L")
    with _without_known_noise():
        program = torch.onnx.export(
            graph,
            (frames, mask),
            input_names=INPUTS,
            output_names=OUTPUTS,
            dynamic_shapes={"frames": {0: B, 1: L}, "mask": {0: B, 1: L}},
            opset_version=OPSET,
            dynamo=True,
            optimize=False,
            verbose=False,
        )
    assert program is not None
    _tidy(program.model)
    model = onnx_ir.to_proto(program.model)
    _forget_origin(model)
    onnx.checker.check_model(model)
    return model


def tensor_specs(values: list[onnx.ValueInfoProto]) -> tuple[TensorSpec, ...]:
    """Names, dtypes and shapes of a graph's inputs or outputs, for the manifest."""
    return tuple(_tensor_spec(value) for value in values)


def _tensor_spec(value: onnx.ValueInfoProto) -> TensorSpec:
    tensor = value.type.tensor_type
    dtype: np.dtype[np.generic] = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    shape = tuple(axis.dim_param or axis.dim_value for axis in tensor.shape.dim)
    return TensorSpec(name=value.name, dtype=dtype.name, shape=shape)


def initializers(model: onnx.ModelProto) -> dict[str, NDArray[np.generic]]:
    """The stored tensors of a model by name."""
    return {item.name: onnx.numpy_helper.to_array(item) for item in model.graph.initializer}


def _tidy(model: onnx_ir.Model) -> None:
    fold_constants(model, input_size_limit=LARGEST_FOLDED, output_size_limit=LARGEST_FOLDED)
    common.RemoveUnusedNodesPass()(model)
    common.CommonSubexpressionEliminationPass()(model)
    common.RemoveUnusedNodesPass()(model)


def _forget_origin(model: onnx.ModelProto) -> None:
    """Drop stack traces and shapes of intermediates: bulk, and paths of the exporting machine.

    The shapes would also mislead ONNX Runtime's quantiser.
    """
    model.doc_string = ""
    model.graph.doc_string = ""
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]


@contextmanager
def _without_known_noise() -> Iterator[None]:
    """Silence what the exporter says on every run and means nothing here."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    logger.addFilter(_is_not_about_torchvision)
    try:
        with warnings.catch_warnings():
            # torch's own use of its deprecated tree specification.
            warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)`", FutureWarning)
            # Frames and mask share B and L on purpose.
            warnings.filterwarnings("ignore", "# The axis name: [BL] will not be used", UserWarning)
            yield
    finally:
        logger.removeFilter(_is_not_about_torchvision)


def _is_not_about_torchvision(record: logging.LogRecord) -> bool:
    return "torchvision is not installed" not in record.getMessage()
