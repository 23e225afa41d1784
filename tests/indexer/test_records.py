"""Figures that records derive from what they hold."""

import numpy as np
import pytest

from indexer.records import effective_frames


@pytest.mark.parametrize("n", [1, 2, 7, 31, 32])
def test_even_attention_counts_every_frame_and_never_more(n: int) -> None:
    even = np.full(n, np.float32(1) / np.float32(n), np.float32)

    assert effective_frames(even) == pytest.approx(n)
    assert effective_frames(even) <= n


def test_ignored_frames_do_not_count() -> None:
    assert effective_frames([0.5, 0.0, 0.5]) == pytest.approx(2)
