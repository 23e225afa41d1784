import os
import threading
from pathlib import Path

import pytest

from indexer.archive.files import (
    PICTURES,
    Unreadable,
    files,
    folders,
    natural_order,
    open_archive,
    read_file,
    read_text,
)
from indexer.archive.sources import Refusal
from model.errors import InvalidParameter


def listed(root: Path) -> tuple[list[str], list[Refusal]]:
    refused: list[Refusal] = []
    archive = open_archive(root, None)
    return [path.name for path in files(archive, archive.root, PICTURES, refused.append)], refused


def test_frames_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("10.jpg", "9.JPG", "2.png", "2b.webp"):
        (tmp_path / name).touch()

    assert listed(tmp_path)[0] == ["2.png", "2b.webp", "9.JPG", "10.jpg"]


def test_hidden_and_foreign_files_are_passed_over_in_silence(tmp_path: Path) -> None:
    for name in ("._1.jpg", ".DS_Store", "notes.txt", "1.jpg"):
        (tmp_path / name).touch()

    assert listed(tmp_path) == (["1.jpg"], [])


def test_links_pipes_and_forged_names_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "link.jpg").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "two\nlines.jpg").touch()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/latin-\xff.jpg")).touch()

    found, refused = listed(tmp_path)

    assert found == []
    assert {refusal.place: refusal.reason for refusal in refused} == {
        "link.jpg": "a symbolic link, which could lead out of the archive",
        "pipe.jpg": "not a regular file",
        "two\\nlines.jpg": "its name holds a character that cannot be shown",
        "latin-\\udcff.jpg": "its name holds a character that cannot be shown",
    }


def test_a_linked_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "cam").symlink_to(tmp_path)
    archive = open_archive(tmp_path / "archive", None)
    refused: list[Refusal] = []

    assert list(folders(archive, archive.root, refused.append)) == []
    assert [refusal.place for refusal in refused] == ["cam"]


def test_a_pipe_in_a_files_place_does_not_hang_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    waited = threading.Event()

    def write() -> None:
        """Let a reader that waits for a writer go on: the test is to fail, not to hang."""
        waited.set()
        (tmp_path / "pipe").write_bytes(b"")

    writer = threading.Timer(5, write)
    writer.start()
    try:
        with pytest.raises(Unreadable, match="not a regular file"):
            read_file(tmp_path / "pipe", 100)
    finally:
        writer.cancel()

    assert not waited.is_set()


def test_a_link_in_a_files_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")

    with pytest.raises(Unreadable):
        read_file(tmp_path / "link", 1 << 20)


def test_a_file_above_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")

    assert read_file(tmp_path / "file", 5) == b"12345"
    with pytest.raises(Unreadable, match="larger than 4 bytes"):
        read_file(tmp_path / "file", 4)


def test_text_is_utf8_with_or_without_a_mark(tmp_path: Path) -> None:
    (tmp_path / "marked").write_bytes(b"\xef\xbb\xbf\xc3\xa9")
    (tmp_path / "latin").write_bytes(b"\xe9")

    assert read_text(tmp_path / "marked", 100) == "é"
    with pytest.raises(Unreadable, match="not UTF-8"):
        read_text(tmp_path / "latin", 100)


def test_an_archive_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="no folder"):
        open_archive(tmp_path / "absent", None)


def test_the_archives_name_can_be_given(tmp_path: Path) -> None:
    assert open_archive(tmp_path, None).name == tmp_path.name
    assert open_archive(tmp_path, "monday").name == "monday"


def test_natural_order_holds_for_mixed_names() -> None:
    names = ["a10b2", "a2", "a10b1", "b", "a", "10", "2", "02"]

    assert sorted(names, key=natural_order) == ["02", "2", "10", "a", "a2", "a10b1", "a10b2", "b"]
