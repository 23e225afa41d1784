"""Where the person is in each frame of a clip: `boxes` of an upload."""

import json
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NoReturn

from model.errors import InvalidParameter

MOST_BOXES = 5_000
_MOST_CHARACTERS = 2**20
_FARTHEST = 2**20
"""No frame is this many pixels wide; larger numbers are nonsense or an attack on arithmetic."""


@dataclass(frozen=True)
class Box:
    """A rectangle in one frame, in pixels from its upper left corner."""

    frame_index: int
    """0-based."""
    x: float
    y: float
    width: float
    height: float

    def corners(self, frame_height: int, frame_width: int) -> tuple[int, int, int, int]:
        """Whole-pixel left, top, right, bottom of the part that lies inside the frame.

        Raises `InvalidParameter` where none does.
        """
        left, top = max(math.floor(self.x), 0), max(math.floor(self.y), 0)
        right = min(math.ceil(self.x + self.width), frame_width)
        bottom = min(math.ceil(self.y + self.height), frame_height)
        if left >= right or top >= bottom:
            raise InvalidParameter(
                f"boxes: the box of frame {self.frame_index} lies outside the "
                f"{frame_width} x {frame_height} picture"
            )
        return left, top, right, bottom


def parse_boxes(text: str) -> tuple[Box, ...]:
    """Boxes from a JSON list of `[frame_index, x, y, width, height]`, in temporal order.

    Raises `InvalidParameter` for anything else: other JSON, numbers that are not finite, sides that
    are not positive, two boxes in one frame, none or more than `MOST_BOXES`.
    """
    if len(text) > _MOST_CHARACTERS:
        raise InvalidParameter(f"boxes: more than {_MOST_CHARACTERS:,} characters")
    try:
        rows = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidParameter("boxes is not JSON") from error
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_BOXES:
        raise InvalidParameter(f"boxes must be a JSON list of 1 to {MOST_BOXES:,} boxes")
    boxes = sorted((_parse_box(place, row) for place, row in enumerate(rows)), key=_frame_index)
    for earlier, later in pairwise(boxes):
        if earlier.frame_index == later.frame_index:
            raise InvalidParameter(f"boxes: frame {later.frame_index} has more than one box")
    return tuple(boxes)


def _parse_box(place: int, row: Any) -> Box:
    if not isinstance(row, list) or len(row) != 5 or not all(map(_is_number, row)):
        raise InvalidParameter(
            f"boxes: box {place} must be [frame_index, x, y, width, height] of finite numbers"
        )
    frame_index, x, y, width, height = row
    if not isinstance(frame_index, int) or frame_index < 0:
        raise InvalidParameter(f"boxes: box {place} has no frame index of 0 or more")
    if width <= 0 or height <= 0:
        raise InvalidParameter(f"boxes: box {place} has no area")
    return Box(frame_index, float(x), float(y), float(width), float(height))


def _is_number(value: Any) -> bool:
    # JSON's true is Python's 1; 1e400 reads as infinity, which no comparison below lets through.
    return type(value) in (int, float) and -_FARTHEST < value < _FARTHEST


def _frame_index(box: Box) -> int:
    return box.frame_index


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
