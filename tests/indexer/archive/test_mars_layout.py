import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from indexer.archive.files import open_archive
from indexer.archive.layouts import scan
from indexer.archive.sources import Pictures, Refusal, Source
from model.errors import InvalidParameter
from tests.support.archives import write_crops
from tests.support.fake_bundle import person

ROWS = [
    [1, 2, -1, 1],  # junk
    [3, 4, 0, 2],  # a distractor
    [5, 7, 1, 1],
    [8, 9, 1, 5],
]
NAMES = [
    *("00-1C1T0001F001.jpg", "00-1C1T0001F002.jpg"),
    *("0000C2T0001F001.jpg", "0000C2T0001F002.jpg"),
    *("0001C1T0001F001.jpg", "0001C1T0001F002.jpg", "0001C1T0001F003.jpg"),
    *("0001C5T0001F001.jpg", "0001C5T0001F002.jpg"),
]


def write_mars(root: Path, rows: list[list[int]] = ROWS, names: list[str] = NAMES) -> Path:
    """MARS's test half; the frames themselves need not be there for a scan."""
    (root / "bbox_test").mkdir(parents=True)
    (root / "info").mkdir()
    (root / "info" / "test_name.txt").write_text("\n".join(names) + "\n")
    table = {"track_test_info": np.array(rows, dtype=np.uint16 if min(map(min, rows)) > 0 else int)}
    savemat(root / "info" / "tracks_test_info.mat", table)
    return root


def scanned(root: Path) -> list[Source]:
    return list(scan(open_archive(root, "mars"), "mars", None))


def test_junk_is_left_out_and_distractors_have_no_name(tmp_path: Path) -> None:
    found = [source for source in scanned(write_mars(tmp_path)) if isinstance(source, Pictures)]

    assert [(s.label.identity, s.label.camera, len(s.files)) for s in found] == [
        (None, "c2", 2),
        ("0001", "c1", 3),
        ("0001", "c5", 2),
    ]
    assert found[1].files[0] == tmp_path / "bbox_test" / "0001" / "0001C1T0001F001.jpg"
    assert found[1].label.place == "bbox_test/0001/0001C1T0001F001"


def test_rows_outside_the_list_and_paths_in_it_are_refused(tmp_path: Path) -> None:
    names = [*NAMES[:7], "../secret.jpg", "0001C5T0001F002.jpg"]

    outside, path = scanned(write_mars(tmp_path, [[5, 10, 1, 1], [8, 9, 1, 5]], names))

    assert isinstance(outside, Refusal)
    assert "not in test_name.txt" in outside.reason
    assert isinstance(path, Refusal)
    assert "path instead of a file's name" in path.reason


def test_a_table_that_is_none_is_said(tmp_path: Path) -> None:
    root = write_mars(tmp_path)
    (root / "info" / "tracks_test_info.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))

    with pytest.raises(InvalidParameter, match="no readable track_test_info"):
        scanned(root)


def test_without_scipy_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_mars(tmp_path)
    monkeypatch.setitem(sys.modules, "scipy.io", None)

    with pytest.raises(InvalidParameter, match="install the extra 'train'"):
        scanned(root)


def test_lsvid_frames_are_found_by_their_prefix(tmp_path: Path) -> None:
    for name in ("0007_0001_14_0000", "0007_0002_03_0000"):
        folder = tmp_path / "tracklet_test" / "0007" / name
        write_crops(folder, person(1, 2))
        for number, picture in enumerate(sorted(folder.iterdir())):
            picture.rename(folder.parent / f"{name}{number}.jpg")
        folder.rmdir()
    (tmp_path / "list_sequence").mkdir()
    (tmp_path / "list_sequence" / "list_seq_test.txt").write_text(
        "tracklet_test/0007/0007_0001_14 7\n"
        "tracklet_test/0007/0007_0002 7\n"
        "tracklet_test/0007/0007_0003 7\n"
        "../elsewhere/0007_0001 7\n"
        "/etc/passwd 7\n"
        "no identity\n"
    )

    found = scanned(tmp_path)

    labels = [s.label for s in found if isinstance(s, Pictures)]
    assert [(label.identity, label.camera) for label in labels] == [("0007", "c14"), ("0007", "c3")]
    refused = {s.place: s.reason for s in found if isinstance(s, Refusal)}
    assert list(refused) == [
        "tracklet_test/0007/0007_0003",
        "list_seq_test.txt:4",
        "list_seq_test.txt:5",
        "list_seq_test.txt:6",
    ]


def test_lsvid_does_not_follow_a_linked_folder(tmp_path: Path) -> None:
    outside = write_crops(tmp_path / "outside", person(1, 2))
    root = tmp_path / "root"
    (root / "list_sequence").mkdir(parents=True)
    (root / "frames").symlink_to(outside)
    (root / "list_sequence" / "list_seq_test.txt").write_text("frames/0001 1\n")

    (refused,) = scanned(root)

    assert isinstance(refused, Refusal)
    assert refused.reason == "its folder leads out of the archive"
