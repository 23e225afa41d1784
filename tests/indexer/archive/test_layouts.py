from pathlib import Path

import pytest

from indexer.archive.files import open_archive
from indexer.archive.layouts import detect, scan
from model.errors import InvalidParameter
from model.times import parse_time
from tests.support.archives import write_tracklets


def detected(root: Path) -> str:
    return detect(open_archive(root, None))


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_folders_of_folders_of_pictures_are_tracklets(tmp_path: Path) -> None:
    assert detected(write_tracklets(tmp_path, {"c1/t1": 1})) == "tracklets"


def test_videos_are_told_apart_by_their_boxes(tmp_path: Path) -> None:
    assert detected(touch(tmp_path / "a", "c1.mp4", "c2.MKV", "notes.txt")) == "video"
    assert detected(touch(tmp_path / "b", "c1.mp4", "c1.txt")) == "mot"


def test_mars_and_lsvid_are_known_by_their_lists(tmp_path: Path) -> None:
    mars = touch(tmp_path / "a", "bbox_test/0001/x.jpg", "info/tracks_test_info.mat")
    lsvid = touch(tmp_path / "b", "list_sequence/list_seq_test.txt")
    repacked = touch(tmp_path / "c", "info/list_sequence/list_seq_test.txt")

    assert [detected(root) for root in (mars, lsvid, repacked)] == ["mars"] * 3


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "no known layout"),
        (("readme.txt", "c1/loose.jpg"), "no known layout"),
        (("c1.mp4", "c1.txt", "c2.mp4"), "1 of 2 videos have a .txt"),
        (("c1.mp4", "c1/t1/1.jpg"), "holds videos and folders of tracklets"),
    ],
)
def test_what_is_not_clear_is_asked_for(
    tmp_path: Path, names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InvalidParameter, match=message):
        detected(touch(tmp_path, *names))


def test_a_start_time_is_for_videos_only(tmp_path: Path) -> None:
    archive = open_archive(write_tracklets(tmp_path, {"c1/t1": 1}), None)

    with pytest.raises(InvalidParameter, match="--start"):
        scan(archive, "tracklets", parse_time("2024-05-01T00:00:00Z", "start"))
