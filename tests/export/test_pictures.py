"""Typical inputs: seeded or from a folder, all of one shape."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from export.pictures import MOST_PICTURES, folder_tracklets, mixed_tracklets
from model.errors import InvalidParameter


def test_seeded_tracklets_repeat_and_differ_from_one_another() -> None:
    first, again = mixed_tracklets(3, [2, 2], 64, 32), mixed_tracklets(3, [2, 2], 64, 32)

    assert [tracklet.shape for tracklet in first] == [(2, 64, 32, 3)] * 4
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert len({tracklet.tobytes() for tracklet in first}) == 4


def test_a_folders_pictures_become_pairs_of_the_models_size(tmp_path: Path) -> None:
    (tmp_path / "camera").mkdir()
    for i in range(5):
        picture = np.full((40 + i, 20, 3), 50 * i, np.uint8)
        cv2.imwrite(str(tmp_path / "camera" / f"{i}.png"), picture)
    (tmp_path / "notes.txt").write_text("no picture")

    tracklets = folder_tracklets(tmp_path, 64, 32)

    assert [tracklet.shape for tracklet in tracklets] == [(2, 64, 32, 3)] * 2
    assert [int(frame.mean()) for pair in tracklets for frame in pair] == [0, 50, 100, 150]


def test_a_large_folder_is_thinned_evenly(tmp_path: Path) -> None:
    picture = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    for i in range(3 * MOST_PICTURES):
        (tmp_path / f"{i:04}.png").write_bytes(picture)

    assert len(folder_tracklets(tmp_path, 64, 32)) == MOST_PICTURES // 2


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="no pictures"):
        folder_tracklets(tmp_path, 64, 32)
