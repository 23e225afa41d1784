"""A small real ONNX detector in the YOLOX layout: it finds bright rectangles of 32 x 64 pixels."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = (128, 160)
"""Height and width of its input."""

_OTHERS = sum((SIZE[0] // s) * (SIZE[1] // s) for s in (16, 32))


def make_detector(path: Path) -> Path:
    """Cells of stride 8 answer, with the mean brightness of the box around their middle.

    The box fits a cell's middle exactly where nothing darker than a person is inside; two other
    strides are there and never find anything.
    """
    height, width = SIZE
    cells = (height // 8) * (width // 8)
    constants = {
        "threshold": np.float32(0.8 * 255),
        "range": np.float32(0.2 * 255),
        "zero": np.float32(0),
        "one": np.float32(1),
        "offset": np.full((1, cells, 2), 0.5, dtype=np.float32),
        "size": np.log(np.tile(np.float32([4, 8]), (1, cells, 1))),  # in strides: 32 x 64 pixels
        "certain": np.ones((1, cells, 1), dtype=np.float32),
        "others": np.zeros((1, _OTHERS, 6), dtype=np.float32),
        "channel": np.array([1]),
        "column": np.array([1, cells, 1]),
    }
    nodes = [
        helper.make_node("ReduceMean", ["images", "channel"], ["grey"], keepdims=1),
        helper.make_node(
            "AveragePool",
            ["grey"],
            ["brightness"],
            kernel_shape=[64, 32],
            strides=[8, 8],
            pads=[28, 12, 28, 12],
            count_include_pad=1,
        ),
        helper.make_node("Sub", ["brightness", "threshold"], ["above"]),
        helper.make_node("Div", ["above", "range"], ["ratio"]),
        helper.make_node("Clip", ["ratio", "zero", "one"], ["score"]),
        helper.make_node("Reshape", ["score", "column"], ["scores"]),
        helper.make_node("Concat", ["offset", "size", "scores", "certain"], ["found"], axis=2),
        helper.make_node("Concat", ["found", "others"], ["output"], axis=1),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "detector",
        [value("images", TensorProto.FLOAT, [1, 3, *SIZE])],
        [value("output", TensorProto.FLOAT, [1, cells + _OTHERS, 6])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
