"""Compact storage: small on disk, nearly the same weights in the graph."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from export.precision import compact


def _stored_and_restored(weight: NDArray[np.float32]) -> tuple[int, NDArray[np.float32]]:
    """Bytes on disk and the weight that the graph computes with."""
    value = helper.make_tensor_value_info
    tensor = numpy_helper.from_array(weight, "layer.weight")
    node = helper.make_node("Identity", ["layer.weight"], ["out"])
    output = value("out", TensorProto.FLOAT, weight.shape)
    graph = helper.make_graph([node], "g", [], [output], [tensor])
    small = compact(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]))
    stored = sum(len(item.raw_data) for item in small.graph.initializer)
    return stored, np.asarray(ReferenceEvaluator(small).run(None, {})[0])


def _random(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def test_convolutions_take_half_the_bytes() -> None:
    weight = _random(8, 4, 3, 3)

    stored, restored = _stored_and_restored(weight)

    assert stored == weight.nbytes // 2
    np.testing.assert_allclose(restored, weight, rtol=1e-3)


def test_matrices_take_a_quarter_with_one_scale_per_output() -> None:
    weight = _random(64, 32) * np.geomspace(1e-3, 10, 32, dtype=np.float32)

    stored, restored = _stored_and_restored(weight)

    assert stored == weight.nbytes // 4 + 32 * 4
    assert (np.abs(restored - weight) <= np.abs(weight).max(0) / 127 * 0.51).all()


def test_an_identity_keeps_what_it_learned() -> None:
    """Rounded with the diagonal's scale, deviations of .002 would all vanish."""
    learned = 0.002 * _random(64, 64)

    _, restored = _stored_and_restored(np.eye(64, dtype=np.float32) + learned)

    error = np.abs(restored - np.eye(64) - learned).max()
    assert error < 1e-4


def test_empty_columns_stay_empty() -> None:
    weight = _random(8, 4)
    weight[:, 2] = 0

    _, restored = _stored_and_restored(weight)

    assert (restored[:, 2] == 0).all()
    assert np.isfinite(restored).all()


def test_other_tensors_stay_as_they_are() -> None:
    tensor = numpy_helper.from_array(_random(4, 4), "position_tokens")
    output = helper.make_tensor_value_info("out", TensorProto.FLOAT, (4, 4))
    node = helper.make_node("Identity", ["position_tokens"], ["out"])
    graph = helper.make_graph([node], "g", [], [output], [tensor])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])

    assert compact(model).graph.initializer[0] == tensor
    assert isinstance(model, onnx.ModelProto)
