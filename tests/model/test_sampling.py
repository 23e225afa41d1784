"""Frame sampling: the middle of each chunk, and never a frame twice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.sampling import central_indices, random_indices

counts = st.integers(1, 3_000)
lengths = st.integers(1, 64)


@given(counts, lengths)
def test_central_frames_are_strictly_increasing_and_inside(n: int, length: int) -> None:
    indices = central_indices(n, length)

    assert len(indices) == min(n, length)
    assert indices[0] >= 0
    assert indices[-1] < n
    assert (np.diff(indices) > 0).all()


@given(counts, lengths)
def test_each_central_frame_is_the_middle_of_its_chunk(n: int, length: int) -> None:
    L = min(n, length)
    middles = [(i * n // L + (i + 1) * n // L - 1) // 2 for i in range(L)]

    assert central_indices(n, length).tolist() == middles


@given(counts, lengths, st.integers(0, 2**32 - 1))
def test_random_frames_come_one_from_each_chunk(n: int, length: int, seed: int) -> None:
    L = min(n, length)
    indices = random_indices(n, length, np.random.default_rng(seed))

    assert len(indices) == L
    for i, index in enumerate(indices):
        assert i * n // L <= index < (i + 1) * n // L


def test_33_frames_give_32_distinct_ones() -> None:
    assert len(set(central_indices(33, 32).tolist())) == 32


@pytest.mark.parametrize("n", [1, 5, 31, 32])
def test_a_short_tracklet_gives_all_its_frames_once(n: int) -> None:
    assert central_indices(n, 32).tolist() == list(range(n))


def test_an_even_chunk_gives_its_lower_middle() -> None:
    assert central_indices(8, 2).tolist() == [1, 5]


@pytest.mark.parametrize(("n", "length"), [(0, 32), (-1, 32), (5, 0)])
def test_nothing_cannot_be_sampled(n: int, length: int) -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        central_indices(n, length)


def test_every_frame_of_a_chunk_can_be_drawn() -> None:
    rng = np.random.default_rng(0)
    drawn = {int(index) for _ in range(200) for index in random_indices(10, 2, rng)}

    assert drawn == set(range(10))
