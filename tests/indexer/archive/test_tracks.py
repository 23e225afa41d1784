from pathlib import Path

import pytest

from indexer.archive.files import Unreadable
from indexer.archive.tracks import gather, read_mot


def mot(tmp_path: Path, text: str) -> Path:
    (tmp_path / "c.txt").write_text(text)
    return tmp_path / "c.txt"


def test_frames_count_from_one_and_come_in_order(tmp_path: Path) -> None:
    text = "3,7,1,2,30,60,1,-1,-1,-1\n1,7,0,2,30,60,-1\n1,2,5,5.5,30,60,0.9\n"

    found = read_mot(mot(tmp_path, text))

    assert [track.number for track in found.tracks] == [2, 7]
    assert found.tracks[1].frames.tolist() == [0, 2]
    assert found.tracks[1].boxes.tolist() == [[0, 2, 30, 60], [1, 2, 30, 60]]
    assert found.malformed == ()


def test_what_is_not_to_be_considered_is_left_out(tmp_path: Path) -> None:
    assert read_mot(mot(tmp_path, "1,7,0,0,9,9,0,3,1\n")).tracks == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,2,3,4,5", "fewer than six fields"),
        ("a,2,3,4,5,6", "not a number"),
        ("1,2,nan,4,5,6", "not finite"),
        ("1,2,3,4,1e400,6", "not finite"),
        ("0,2,3,4,5,6", "whole numbers from 1"),
        ("1.5,2,3,4,5,6", "whole numbers from 1"),
        ("1,-1,3,4,5,6", "no track number"),
        ("1,2,3,4,0,6", "without area"),
        ("1,2,3,4,5,-6", "without area"),
        ("1,2,3e9,4,5,6", "outside any picture"),
    ],
)
def test_a_malformed_line_is_named_and_the_rest_is_read(
    tmp_path: Path, line: str, reason: str
) -> None:
    found = read_mot(mot(tmp_path, f"1,2,3,4,5,6\n{line}\n\n2 2 3 4 5 6\n"))

    assert found.tracks[0].frames.tolist() == [0, 1]
    ((number, why),) = found.malformed
    assert number == 2
    assert reason in why


def test_of_two_boxes_in_one_frame_the_first_counts() -> None:
    (track,) = gather([(4, 1, 0, 0, 5, 5), (4, 1, 9, 9, 5, 5), (2, 1, 1, 1, 5, 5)])

    assert track.frames.tolist() == [2, 4]
    assert track.boxes[1].tolist() == [0, 0, 5, 5]


def test_short_tracks_can_be_left_out() -> None:
    rows = [(frame, track, 0, 0, 5, 5) for track in (1, 2) for frame in range(track)]

    assert [track.number for track in gather(rows, fewest=2)] == [2]


def test_the_boxes_read_as_an_upload_would_send_them() -> None:
    (track,) = gather([(4, 1, 0.123, 0, 5, 5)])

    assert track.as_json() == b"[[4,0.12,0.0,5.0,5.0]]"


def test_a_file_that_is_no_text_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_bytes(b"\xff\xfe1,2")

    with pytest.raises(Unreadable):
        read_mot(tmp_path / "c.txt")
