"""`boxes` of an upload: a strict reading, and rectangles cut to the picture."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.boxes import MOST_BOXES, Box, parse_boxes
from model.errors import InvalidParameter


def test_boxes_come_in_temporal_order() -> None:
    assert parse_boxes("[[7, 1, 2, 3, 4], [0, 0.5, -2, 10, 1e1]]") == (
        Box(0, 0.5, -2, 10, 10),
        Box(7, 1, 2, 3, 4),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "7",
        "{}",
        "[]",
        "[[]]",
        "[null]",
        "[1, 2, 3, 4, 5]",
        "[[0, 1, 2, 3]]",
        "[[0, 1, 2, 3, 4, 5]]",
        '[["0", 1, 2, 3, 4]]',
        "[[true, 1, 2, 3, 4]]",
        "[[0, 1, 2, 3, null]]",
        "[[0.5, 1, 2, 3, 4]]",
        "[[1.0, 1, 2, 3, 4]]",
        "[[-1, 1, 2, 3, 4]]",
        "[[0, 1, 2, 0, 4]]",
        "[[0, 1, 2, 3, -4]]",
        "[[0, NaN, 2, 3, 4]]",
        "[[0, 1, 2, Infinity, 4]]",
        "[[0, 1, 2, 1e400, 4]]",
        "[[0, -1e400, 2, 3, 4]]",
        "[[0, 1, 2, 3, 1" + "0" * 400 + "]]",
        "[[0, 1, 2, 3, " + "1" * 5_000 + "]]",
        "[[99999999, 1, 2, 3, 4]]",
        "[[0, 1, 2, 3, 4], [0, 1, 2, 3, 4]]",
        "[" * 100_000,
        "[[0, 1, 2, 3, 4]] trailing",
        "[[0, 1, 2, 3, 4]]" + " " * 2**20,
        json.dumps([[place, 1, 2, 3, 4] for place in range(MOST_BOXES + 1)]),
    ],
    ids=lambda text: text[:24],
)
def test_everything_else_is_an_invalid_parameter(text: str) -> None:
    with pytest.raises(InvalidParameter, match="boxes"):
        parse_boxes(text)


@given(st.text())
def test_no_text_raises_anything_else(text: str) -> None:
    with pytest.raises(InvalidParameter):
        parse_boxes("x" + text)


@pytest.mark.parametrize(
    ("box", "corners"),
    [
        (Box(0, 10, 20, 5, 6), (10, 20, 15, 26)),
        (Box(0, 10.9, 20.9, 0.2, 0.2), (10, 20, 12, 22)),
        (Box(0, -10, -10, 500, 500), (0, 0, 64, 128)),
        (Box(0, 63.5, 127.5, 10, 10), (63, 127, 64, 128)),
    ],
)
def test_a_box_is_cut_to_whole_pixels_of_the_picture(
    box: Box, corners: tuple[int, int, int, int]
) -> None:
    assert box.corners(128, 64) == corners


@pytest.mark.parametrize("box", [Box(0, 64, 0, 5, 5), Box(0, -5, 0, 5, 5), Box(0, 0, 128, 5, 5)])
def test_a_box_beside_the_picture_is_refused(box: Box) -> None:
    with pytest.raises(InvalidParameter, match="outside the 64 x 128 picture"):
        box.corners(128, 64)


@given(
    st.floats(-1e5, 1e5),
    st.floats(-1e5, 1e5),
    st.floats(1e-3, 1e5),
    st.floats(1e-3, 1e5),
)
def test_corners_always_lie_inside(x: float, y: float, width: float, height: float) -> None:
    try:
        left, top, right, bottom = Box(0, x, y, width, height).corners(128, 64)
    except InvalidParameter:
        return
    assert 0 <= left < right <= 64
    assert 0 <= top < bottom <= 128
