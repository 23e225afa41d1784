from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from indexer.archive.detector import load_detector
from model.errors import InvalidParameter
from tests.support.fake_detector import make_detector

SHARED = Path(__file__).parents[4] / "shared" / "data"


def scene(height: int, width: int, *corners: tuple[int, int]) -> NDArray[np.uint8]:
    """Dark, with a bright rectangle of 32 x 64 at each (x, y)."""
    picture = np.full((height, width, 3), 40, dtype=np.uint8)
    for x, y in corners:
        picture[y : y + 64, x : x + 32] = 255
    return picture


def test_people_are_found_where_they_stand(tmp_path: Path) -> None:
    detector = load_detector(make_detector(tmp_path / "d.onnx"), "cpu", threads=1)

    found = detector.find(scene(128, 160, (12, 20), (108, 44)), 0.5)

    assert sorted(found.boxes.tolist()) == [[12, 20, 32, 64], [108, 44, 32, 64]]
    assert found.scores.tolist() == [1, 1]


def test_boxes_are_in_the_pictures_own_pixels(tmp_path: Path) -> None:
    detector = load_detector(make_detector(tmp_path / "d.onnx"), "cpu", threads=1)
    large = scene(128, 160, (60, 20)).repeat(3, axis=0).repeat(3, axis=1)

    found = detector.find(large, 0.5)

    np.testing.assert_allclose(found.boxes, [[180, 60, 96, 192]], atol=0.01)


def test_a_picture_of_another_shape_is_letterboxed(tmp_path: Path) -> None:
    detector = load_detector(make_detector(tmp_path / "d.onnx"), "cpu", threads=1)

    found = detector.find(scene(100, 160, (60, 20)), 0.5)

    assert found.boxes.tolist() == [[60, 20, 32, 64]]


def test_boxes_end_at_the_pictures_edge(tmp_path: Path) -> None:
    detector = load_detector(make_detector(tmp_path / "d.onnx"), "cpu", threads=1)
    picture = np.full((80, 160, 3), 255, dtype=np.uint8)

    boxes = detector.find(picture, 0.1).boxes

    assert len(boxes) > 0
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 0] + boxes[:, 2] <= 160).all()
    assert (boxes[:, 1] + boxes[:, 3] <= 80).all()


def test_an_empty_scene_has_nobody(tmp_path: Path) -> None:
    detector = load_detector(make_detector(tmp_path / "d.onnx"), "cpu", threads=1)

    found = detector.find(scene(128, 160), 0.1)

    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == (0,)


def identity_model(path: Path, taken: list[int | str], given: list[int | str]) -> Path:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "g",
        [value("x", TensorProto.FLOAT, taken)],
        [value("y", TensorProto.FLOAT, given)],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path
    )
    return path


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ([1, 3, 32, 32], "not the YOLOX layout"),
        ([1, 3, "h", "w"], "not the YOLOX layout"),
        ([1, 21, 85], "not the YOLOX layout"),
    ],
)
def test_another_layout_is_refused(tmp_path: Path, shape: list[int | str], message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        load_detector(identity_model(tmp_path / "m.onnx", shape, shape), "cpu", threads=1)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"hello")

    with pytest.raises(InvalidParameter, match="cannot be loaded"):
        load_detector(tmp_path / "m.onnx", "cpu", threads=1)
    with pytest.raises(InvalidParameter, match="no file"):
        load_detector(tmp_path / "absent.onnx", "cpu", threads=1)


@pytest.mark.needs_shared
def test_a_published_detector_loads_and_finds_nobody_in_grey() -> None:
    path = SHARED / "detector" / "yolox_nano.onnx"
    if not path.exists():
        pytest.skip("no reference detector beside the checkout")
    detector = load_detector(path, "cpu", threads=1)

    found = detector.find(np.full((432, 768, 3), 120, dtype=np.uint8), 0.3)

    assert len(found.boxes) == 0
