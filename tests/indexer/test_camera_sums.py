"""Sums from which what was added can be taken out again without a trace."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.camera_sums import Sums, joined

WIDTH = 6


def directions(n: int, seed: int = 0) -> NDArray[np.float16]:
    rows = np.random.default_rng(seed).standard_normal((n, WIDTH))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=60), st.data())
@settings(max_examples=40, deadline=None)
def test_what_is_left_is_bit_for_bit_a_new_count(chosen: list[int], data: st.DataObject) -> None:
    """In any order, with one and the same vector several times, and down to the last."""
    pool = directions(401)
    order = data.draw(st.permutations(range(len(chosen))))
    cut = data.draw(st.integers(0, len(chosen)))
    sums = Sums.empty(WIDTH)
    for one in chosen:
        sums = sums + Sums.of(pool[[one]])
    for place in order[:cut]:
        sums = sums - Sums.of(pool[[chosen[place]]])
    left = [chosen[place] for place in order[cut:]]
    assert sums.to_bytes() == Sums.of(pool[left]).to_bytes()


def test_mean_and_variance_are_those_of_the_vectors() -> None:
    rows = directions(500)
    sums = Sums.of(rows)
    assert sums.count == 500
    np.testing.assert_allclose(sums.mean, rows.astype(np.float64).mean(axis=0), rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        sums.variance, rows.astype(np.float64).var(axis=0), rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("value", [1.0, -1.0, 2.0**-24, -(2.0**-24), 0.0, 0.333251953125])
def test_every_float16_of_a_unit_vector_is_summed_exactly(value: float) -> None:
    vector = np.full((3, WIDTH), value, np.float16)
    assert (Sums.of(vector).mean == np.float64(np.float16(value))).all()


def test_survives_being_stored() -> None:
    sums = Sums.of(directions(7))
    assert Sums.from_bytes(*sums.to_bytes()).to_bytes() == sums.to_bytes()
    assert joined([directions(2).tobytes(), directions(1).tobytes()], WIDTH).shape == (3, WIDTH)
    assert joined([], WIDTH).shape == (0, WIDTH)
