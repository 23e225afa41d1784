import json
from pathlib import Path
from typing import Any

import pytest

from indexer.archive.files import open_archive
from indexer.archive.layouts.footage import scan, split_name
from indexer.archive.sources import Footage, Refusal
from model.times import format_time, parse_time

START = parse_time("2024-07-07T07:07:07Z", "start")


def scanned(root: Path, *, boxed: bool = False, start: Any = None) -> Footage | Refusal:
    (source,) = scan(open_archive(root, None), start, boxed=boxed)
    assert isinstance(source, Footage | Refusal)
    return source


@pytest.mark.parametrize(
    ("stem", "camera", "time"),
    [
        ("door", "door", None),
        ("door_20240501T120000Z", "door", "2024-05-01T12:00:00Z"),
        ("door-2024-05-01_12-00-30", "door", "2024-05-01T12:00:30Z"),
        ("hall 3 2024-05-01 12.00.00", "hall 3", "2024-05-01T12:00:00Z"),
        ("20240501_120000", "20240501_120000", "2024-05-01T12:00:00Z"),
        ("door_20241399T120000Z", "door_20241399T120000Z", None),
        ("cam_123456789", "cam_123456789", None),
    ],
)
def test_a_files_name_may_end_in_a_time(stem: str, camera: str, time: str | None) -> None:
    name, found = split_name(stem)

    assert name == camera
    assert (found and format_time(found)) == time


def test_the_sidecar_overrules_the_flag_and_the_flag_the_name(tmp_path: Path) -> None:
    (tmp_path / "door_20240501T120000Z.mp4").touch()
    by_name = scanned(tmp_path)
    by_flag = scanned(tmp_path, start=START)
    (tmp_path / "door_20240501T120000Z.json").write_text(
        json.dumps({"start": "2024-01-01T00:00:00+01:00", "fps": 12.5, "camera": "Tür"})
    )
    by_sidecar = scanned(tmp_path, start=START)

    found = [source for source in (by_name, by_flag, by_sidecar) if isinstance(source, Footage)]
    assert [source.start and format_time(source.start) for source in found] == [
        "2024-05-01T12:00:00Z",
        "2024-07-07T07:07:07Z",
        "2023-12-31T23:00:00Z",
    ]
    assert [source.camera for source in found] == ["door", "door", "Tür"]
    assert [source.fps for source in found] == [None, None, 12.5]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"\xff",
        b'{"begin": 1}',
        b'{"start": 5}',
        b'{"start": "noon"}',
        b'{"fps": 0}',
        b'{"fps": true}',
        b'{"fps": NaN}',
        b'{"camera": "a/b"}',
    ],
)
def test_a_video_whose_sidecar_is_wrong_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "door.mp4").touch()
    (tmp_path / "door.json").write_bytes(content)

    assert isinstance(scanned(tmp_path), Refusal)


def test_boxes_have_to_lie_beside_the_video(tmp_path: Path) -> None:
    (tmp_path / "door.mp4").touch()

    assert scanned(tmp_path, boxed=True) == Refusal("door.mp4", "no door.txt with boxes beside it")
    (tmp_path / "door.txt").touch()
    assert isinstance(scanned(tmp_path, boxed=True), Footage)
