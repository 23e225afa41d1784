"""The archive that a world leaves for the batch indexer, and contact sheets."""

import json
from pathlib import Path

import cv2
import pytest

from model.errors import InvalidParameter
from model.synthetic import SyntheticWorld, export_archive
from model.synthetic.sheet import contact_sheet, write_sheet
from model.times import parse_time


def test_the_archive_has_every_picture_and_one_line_per_tracklet(
    world: SyntheticWorld, tmp_path: Path
) -> None:
    assert export_archive(world, tmp_path) == len(world.tracklets)

    lines = [json.loads(line) for line in (tmp_path / "tracklets.jsonl").read_text().splitlines()]
    assert len(lines) == len(world.tracklets)
    for line, tracklet in zip(lines, world.tracklets, strict=True):
        assert set(line) == {"tracklet", "identity", "camera", "captured_at"}
        assert parse_time(line["captured_at"], "captured_at") is not None
        pictures = sorted((tmp_path / line["camera"] / line["tracklet"]).glob("*.jpg"))
        assert [picture.read_bytes() for picture in pictures] == [
            world.jpeg(frame) for frame in tracklet.frames
        ]


def test_a_sheet_shows_people_in_rows(world: SyntheticWorld, tmp_path: Path) -> None:
    sheet = contact_sheet(world, people=4, cameras=3, frames=2)
    assert sheet.shape == (4 * 128, 6 * 64, 3)

    everything = contact_sheet(world, people=4, cameras=99, frames=2)
    assert everything.shape == (4 * 128, 3 * 2 * 64, 3)

    write_sheet(world, tmp_path / "sheet.png")
    assert cv2.imread(str(tmp_path / "sheet.png")) is not None
    with pytest.raises(InvalidParameter):
        write_sheet(world, tmp_path / "sheet.txt")
