from pathlib import Path
from typing import Any

import pytest

from indexer.archive.files import open_archive
from indexer.archive.layouts.tracklets import scan
from indexer.archive.sources import Pictures, Refusal
from model.times import format_time
from tests.support.archives import write_tracklets

TWO = {"c1/t1": 1, "c2/t1": 2}


def scanned(root: Path) -> tuple[dict[str, Pictures], dict[str, str]]:
    """Tracklets and refusals by their places."""
    sources = list(scan(open_archive(root, None)))
    found = {s.label.place: s for s in sources if isinstance(s, Pictures)}
    refused = {s.place: s.reason for s in sources if isinstance(s, Refusal)}
    assert len(found) + len(refused) == len(sources)
    return found, refused


def test_every_folder_is_a_tracklet_of_its_camera(tmp_path: Path) -> None:
    found, refused = scanned(write_tracklets(tmp_path, TWO, frames=3))

    assert {place: source.label.camera for place, source in found.items()} == {
        "c1/t1": "c1",
        "c2/t1": "c2",
    }
    assert [path.name for path in found["c1/t1"].files] == ["0001.jpg", "0002.jpg", "0003.jpg"]
    assert refused == {}


def test_the_sidecar_says_the_rest(tmp_path: Path) -> None:
    line = {
        "tracklet": "c1/t1",
        "identity": " Zoë ",
        "camera": "entrance",
        "captured_at": "2024-05-01T14:00:00+02:00",
        "captured_until": "2024-05-01T12:00:09Z",
        "attributes": {"weather": "rain"},
    }

    found, refused = scanned(write_tracklets(tmp_path, TWO, lines=[line]))

    label = found["c1/t1"].label
    assert (label.identity, label.camera, label.attributes) == (
        "Zoë",
        "entrance",
        {"weather": "rain"},
    )
    assert label.captured_at is not None
    assert format_time(label.captured_at) == "2024-05-01T12:00:00Z"
    assert found["c2/t1"].label.identity is None
    assert refused == {}


def test_a_folders_name_is_enough_where_the_camera_tells_which(tmp_path: Path) -> None:
    lines = [
        {"tracklet": "t1", "camera": "c2", "identity": "b"},
        {"tracklet": "t1", "camera": "c1", "identity": "a"},
    ]

    found, refused = scanned(write_tracklets(tmp_path, TWO, lines=lines))

    assert [found[place].label.identity for place in TWO] == ["a", "b"]
    assert refused == {}


def test_a_line_that_two_tracklets_could_claim_is_refused(tmp_path: Path) -> None:
    found, refused = scanned(
        write_tracklets(tmp_path, TWO, lines=[{"tracklet": "t1", "identity": "a"}])
    )

    assert found == {}
    assert set(refused) == {"c1/t1", "c2/t1"}
    assert all("more than one tracklet" in reason for reason in refused.values())


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"identity": "a/b"}, "identity must be a plain name"),
        ({"identity": ["a"]}, "identity must be a text"),
        ({"camera": "x" * 129}, "camera is longer than 128"),
        ({"captured_at": "2024-05-01 12:00"}, "captured_at must be an RFC 3339 time"),
        ({"attributes": [1]}, "attributes must be a JSON object"),
        ({"attributes": {"a": "x" * 4096}}, "attributes are larger than 4096 bytes"),
        ({"attributes": {"a": float("nan")}}, "attributes hold a value that JSON cannot carry"),
    ],
)
def test_a_tracklet_whose_line_is_wrong_is_refused_and_not_enrolled_without_it(
    tmp_path: Path, line: dict[str, Any], reason: str
) -> None:
    found, refused = scanned(write_tracklets(tmp_path, TWO, lines=[{"tracklet": "c1/t1", **line}]))

    assert list(found) == ["c2/t1"]
    assert reason in refused["c1/t1"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("[1]", "a text `tracklet`"),
        ('{"tracklet": 5}', "a text `tracklet`"),
        ('{"tracklet": "c1/t1", "name": "a"}', "unknown field 'name'"),
        ('{"tracklet": "c9/t9"}', "no tracklet of that name"),
        ('{"tracklet": "../t1"}', "no tracklet of that name"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_line_that_says_nothing_is_refused_by_its_number(
    tmp_path: Path, line: str, reason: str
) -> None:
    found, refused = scanned(write_tracklets(tmp_path, TWO, lines=["", line]))

    assert len(found) == 2
    assert reason in refused["tracklets.jsonl:2"]


def test_two_lines_about_one_tracklet_refuse_it(tmp_path: Path) -> None:
    lines = [{"tracklet": "c1/t1", "identity": "a"}, {"tracklet": "c1/t1", "identity": "b"}]

    found, refused = scanned(write_tracklets(tmp_path, TWO, lines=lines))

    assert list(found) == ["c2/t1"]
    assert refused["c1/t1"] == "lines 1 and 2 of tracklets.jsonl both describe it"


def test_an_empty_folder_is_a_tracklet_that_failed(tmp_path: Path) -> None:
    write_tracklets(tmp_path, TWO)
    (tmp_path / "c1" / "empty").mkdir()

    assert scanned(tmp_path)[1] == {"c1/empty": "no picture in the folder"}
