"""Variants of one exported model: compact storage and int8 arithmetic.

Compact storage changes what lies on disk, not what is computed: convolutions are stored as float16
and matrices as int8 with one scale per output channel, and every weight is restored to float32 by
nodes at the head of the graph, which ONNX Runtime folds away when it loads the file. (float16
arithmetic needs no pass here: the exporter takes a half-precision graph.)
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

LEVELS = 127
"""Largest magnitude of a symmetric int8 weight."""
KEPT_PERCENTILE = 99.999
"""Of activations, when their range is chosen: the few beyond it would coarsen all the others."""


def compact(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a float32 model whose convolutions are stored in float16 and matrices in int8."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    stored: list[onnx.TensorProto] = []
    restoring: list[onnx.NodeProto] = []
    for tensor in result.graph.initializer:
        weight = numpy_helper.to_array(tensor)
        if tensor.name.endswith(".weight") and weight.ndim == 4:
            tensors, nodes = _as_half(tensor.name, weight)
        elif tensor.name.endswith(".weight") and weight.ndim == 2:
            tensors, nodes = _as_int8(tensor.name, weight)
        else:
            tensors, nodes = [tensor], []
        stored += tensors
        restoring += nodes
    nodes = [*restoring, *result.graph.node]
    del result.graph.initializer[:]
    del result.graph.node[:]
    result.graph.initializer.extend(stored)
    result.graph.node.extend(nodes)
    onnx.checker.check_model(result)
    return result


Stored = tuple[list[onnx.TensorProto], list[onnx.NodeProto]]


def _as_half(name: str, weight: NDArray[Any]) -> Stored:
    half = numpy_helper.from_array(weight.astype(np.float16), f"{name}.half")
    return [half], [helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT)]


def _as_int8(name: str, weight: NDArray[Any]) -> Stored:
    """A matrix [in, out] as int8 and scales [out], if that is better with its diagonal apart.

    Matrices that began as the identity have a diagonal that dwarfs what they learned; the one
    scale would round the rest away.
    """
    if weight.shape[0] != weight.shape[1]:
        return _quantised(name, weight)
    diagonal = np.diagonal(weight).copy()
    rest = weight - np.diag(diagonal)
    if _rounding(rest) > 0.5 * _rounding(weight):
        return _quantised(name, weight)
    tensors, nodes = _quantised(f"{name}.rest", rest)
    tensors.append(numpy_helper.from_array(diagonal, f"{name}.diagonal"))
    nodes += [
        helper.make_node("EyeLike", [f"{name}.rest"], [f"{name}.eye"], dtype=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}.eye", f"{name}.diagonal"], [f"{name}.scaled"]),
        helper.make_node("Add", [f"{name}.rest", f"{name}.scaled"], [name]),
    ]
    return tensors, nodes


def _quantised(name: str, weight: NDArray[Any]) -> Stored:
    scale = _scales(weight)
    levels = np.rint(weight / scale).astype(np.int8)
    tensors = [
        numpy_helper.from_array(levels, f"{name}.int8"),
        numpy_helper.from_array(scale, f"{name}.scale"),
    ]
    inputs = [tensor.name for tensor in tensors]
    return tensors, [helper.make_node("DequantizeLinear", inputs, [name], axis=1)]


def _scales(weight: NDArray[Any]) -> NDArray[np.float32]:
    largest = np.abs(weight).max(0).astype(np.float32)
    largest[largest == 0] = 1
    scales: NDArray[np.float32] = largest / np.float32(LEVELS)
    return scales


def _rounding(weight: NDArray[Any]) -> float:
    """The mean step between two levels: what rounding costs."""
    return float(_scales(weight).mean())


class _Tracklets(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
    """Feeds tracklets [n, H, W, 3] one by one to the quantiser."""

    def __init__(self, tracklets: Sequence[NDArray[np.uint8]]) -> None:
        self._feeds: Iterator[dict[str, NDArray[Any]]] = iter(
            [
                {"frames": frames[None], "mask": np.ones((1, len(frames)), np.bool_)}
                for frames in tracklets
            ]
        )

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._feeds, None)


def int8(model: onnx.ModelProto, tracklets: Sequence[NDArray[np.uint8]]) -> onnx.ModelProto:
    """A float32 model whose convolutions, nine tenths of the work, are int8 (QDQ, per channel).

    Activation ranges come from `tracklets`, all of one length. Matrix products stay float32: their
    ranges would have to follow each input, and then padding and neighbours in the batch would
    change a tracklet's answer.
    """
    with TemporaryDirectory() as folder, _without_advice():
        source, quantised = Path(folder) / "source.onnx", Path(folder) / "quantised.onnx"
        onnx.save(model, source)
        quantize_static(
            source,
            quantised,
            _Tracklets(tracklets),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            calibrate_method=CalibrationMethod.Percentile,
            extra_options={"CalibPercentile": KEPT_PERCENTILE},
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(quantised)


@contextmanager
def _without_advice() -> Iterator[None]:
    """Silence the quantiser's prints, and its advice to fold constants first: that is done.

    The advice goes through the root logger, which the first message would also configure.
    """
    root = logging.getLogger()
    handler = logging.NullHandler()
    root.addFilter(_is_no_advice)
    root.addHandler(handler)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        root.removeFilter(_is_no_advice)
        root.removeHandler(handler)


def _is_no_advice(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(("Please consider", "Please check"))
