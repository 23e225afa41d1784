"""Finds people in a picture with an ONNX detector of the YOLOX layout that the user names.

The layout (YOLOX's own export, without its `--decode_in_inference`): input [1, 3, H, W], BGR in
0..255, letterboxed with grey at the right and the bottom; output [1, A, 5 + classes], one row per
cell of the grids of all strides: centre offset, log size, objectness, class scores. Sizes and
strides are derived from the model's own shapes. Class 0 is the person, as in COCO.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model.errors import BundleInvalid, InvalidParameter
from model.opencv import cv2
from model.session import Device, open_graph

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_PERSON = 0
_GREY = 114
_STRIDES = ((8, 16, 32), (8, 16, 32, 64))
_OVERLAP = 0.65
"""Of two boxes that overlap more than this (intersection over union), the better one stays."""


@dataclass(frozen=True)
class Detections:
    """The people in one frame."""

    boxes: NDArray[np.float32]
    """x, y, width, height in pixels, inside the frame, [n, 4]."""
    scores: NDArray[np.float32]
    """0..1, [n]."""


class PersonDetector:
    """A loaded detector. Not for several threads at once."""

    def __init__(self, session: "InferenceSession") -> None:
        """Raises `InvalidParameter` where the graph has not the YOLOX layout."""
        inputs, outputs = session.get_inputs(), session.get_outputs()
        shape, answer = inputs[0].shape, outputs[0].shape
        fixed = len(shape) == 4 and shape[1] == 3 and all(isinstance(s, int) for s in shape[2:])
        rows = len(answer) == 3 and isinstance(answer[1], int) and isinstance(answer[2], int)
        if len(inputs) != 1 or not fixed or not rows or answer[2] < 6:
            raise InvalidParameter(
                f"the detector takes {shape} and gives {answer}: not the YOLOX layout, which takes "
                "[1, 3, H, W] and gives [1, rows, 5 + classes]"
            )
        self._session = session
        self._input: str = inputs[0].name
        self._height, self._width = shape[2:]
        self._cells, self._strides = _grid(self._height, self._width, answer[1])

    def find(self, picture: NDArray[np.uint8], least_score: float) -> Detections:
        """The people in an RGB picture, uint8 [H, W, 3], whose score is at least `least_score`."""
        ratio = min(self._height / picture.shape[0], self._width / picture.shape[1])
        (answer,) = self._session.run(None, {self._input: self._letterboxed(picture, ratio)})
        rows = answer[0]
        scores = rows[:, 4] * rows[:, 5 + _PERSON]
        likely = scores >= least_score
        boxes = self._decoded(rows[likely], self._cells[likely], self._strides[likely]) / ratio
        return _without_overlaps(_inside(boxes, picture), scores[likely], least_score)

    def _letterboxed(self, picture: NDArray[np.uint8], ratio: float) -> NDArray[np.float32]:
        """[1, 3, H, W], BGR."""
        height = max(1, int(picture.shape[0] * ratio))
        width = max(1, int(picture.shape[1] * ratio))
        canvas = np.full((self._height, self._width, 3), _GREY, dtype=np.uint8)
        canvas[:height, :width] = cv2.resize(
            picture, (width, height), interpolation=cv2.INTER_LINEAR
        )
        planes = canvas[:, :, ::-1].transpose(2, 0, 1)[None]
        return np.ascontiguousarray(planes, dtype=np.float32)

    @staticmethod
    def _decoded(
        rows: NDArray[np.float32], cells: NDArray[np.float32], strides: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Rows [n, 5 + classes] -> x, y, width, height in pixels of the letterbox, [n, 4]."""
        centres = (rows[:, :2] + cells) * strides
        sizes = np.exp(np.minimum(rows[:, 2:4], 20)) * strides
        return np.concatenate([centres - sizes / 2, sizes], axis=1)


def load_detector(path: Path, device: Device, threads: int) -> PersonDetector:
    """Raises `InvalidParameter` where the file is no ONNX model, or none of the YOLOX layout.

    Raises `DeviceUnavailable` where "cuda" is not there.
    """
    if not path.is_file():
        raise InvalidParameter(f"--detector: no file {path}")
    try:
        session = open_graph(path, device, threads)
    except BundleInvalid as error:
        raise InvalidParameter(f"--detector: {error.detail}") from error
    return PersonDetector(session)


def _grid(height: int, width: int, rows: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Column and row of every output row's cell [A, 2], and its stride in pixels [A, 1]."""
    for strides in _STRIDES:
        if sum((height // s) * (width // s) for s in strides) == rows:
            cells = [_cells(height // s, width // s) for s in strides]
            sizes = [np.full((len(c), 1), s) for c, s in zip(cells, strides, strict=True)]
            return (
                np.concatenate(cells).astype(np.float32),
                np.concatenate(sizes).astype(np.float32),
            )
    raise InvalidParameter(
        f"the detector gives {rows} rows for {height} x {width} pixels, which no YOLOX grid has"
    )


def _cells(rows: int, columns: int) -> NDArray[np.int64]:
    """Column and row of each cell in reading order, [rows * columns, 2]."""
    return np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2)


def _inside(boxes: NDArray[np.float32], picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Boxes cut to the picture, [n, 4]."""
    height, width = picture.shape[:2]
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    corners = np.clip(corners, 0, [width, height, width, height])
    inside: NDArray[np.float32] = np.concatenate(
        [corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1
    ).astype(np.float32)
    return inside


def _without_overlaps(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], least_score: float
) -> Detections:
    kept = np.asarray(
        cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), least_score, _OVERLAP), dtype=np.int64
    ).ravel()
    return Detections(boxes[kept], scores[kept].astype(np.float32))
