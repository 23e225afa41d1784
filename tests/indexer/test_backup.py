"""Backups: taken while the gallery is in use, put back row by row, without the erased."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from indexer.backup import restore
from indexer.gallery import LocalGallery
from indexer.lock import LOCK_FILE, ProcessLock
from indexer.records import Search
from indexer.store import FILE
from model.errors import (
    GalleryCorrupt,
    GalleryLocked,
    GalleryMissing,
    InvalidParameter,
    StorageFull,
)
from tests.support.galleries import MODEL, holds, make_gallery, picture, tracklet, unit
from tests.support.rooms import files_at_most

CHANGED_BY_RESTORING = {"gallery", "audit", "removals", "sqlite_sequence", "tombstones"}


def fill(gallery: LocalGallery, count: int = 8) -> None:
    for seed in range(count):
        new = tracklet(f"t{seed}", seed, identity=f"p{seed % 3}", pictures=[picture(seed, 6000)])
        gallery.enrol(new, actor="test")


def content(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    connection = sqlite3.connect(folder / FILE)
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    rows = {
        name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall()
        for (name,) in tables
    }
    connection.close()
    return rows


def test_is_the_same_row_by_row(gallery: LocalGallery, folder: Path, tmp_path: Path) -> None:
    fill(gallery)
    gallery.keys.create("desk", "query", None)
    gallery.merge("p1", "p2", actor="test")
    gallery.erase("t3", actor="test")
    gallery.backup(tmp_path / "backup")
    assert content(tmp_path / "backup") == content(folder)

    restore(tmp_path / "backup", tmp_path / "restored")
    restored, original = content(tmp_path / "restored"), content(folder)
    for table in set(original) - CHANGED_BY_RESTORING:
        assert restored[table] == original[table]
    assert restored["tombstones"] == original["tombstones"]
    assert restored["audit"][:-1] == original["audit"]
    with make_gallery(tmp_path / "restored") as again:
        assert again.verify().ok
        assert again.search(unit(1), MODEL, Search(), actor="test") == gallery.search(
            unit(1), MODEL, Search(), actor="test"
        )


def test_is_one_consistent_state_while_others_write(
    gallery: LocalGallery, folder: Path, tmp_path: Path
) -> None:
    fill(gallery)
    stop = threading.Event()

    def write() -> None:
        with make_gallery(folder) as other:
            seed = 100
            while not stop.is_set():
                other.enrol(tracklet(None, seed, pictures=[picture(seed, 30_000)]), actor="test")
                seed += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            gallery.backup(tmp_path / f"backup-{number}")
    finally:
        stop.set()
        writer.join()
    for number in range(3):
        with make_gallery(tmp_path / f"backup-{number}") as copy:
            assert copy.verify().ok
            assert copy.stats().tracklets >= 8


def test_replaces_what_is_there(gallery: LocalGallery, folder: Path, tmp_path: Path) -> None:
    fill(gallery)
    gallery.backup(tmp_path / "backup")
    gallery.enrol(tracklet("later", 50, pictures=[picture(50)]), actor="test")
    gallery.close()
    restore(tmp_path / "backup", folder)
    with make_gallery(folder) as again:
        assert again.stats().tracklets == 8
        assert again.verify().ok
        assert again.audit(limit=1, cursor=None).items[0].action == "restore"
    assert holds(folder, picture(50)) == []


def test_does_not_bring_back_who_was_erased_since(folder: Path, tmp_path: Path) -> None:
    with make_gallery(folder) as gallery:
        fill(gallery)
        gallery.backup(tmp_path / "backup")
        gallery.erase("t3", actor="test")
    restore(tmp_path / "backup", folder)
    assert holds(folder, picture(3, 6000)) == []
    with make_gallery(folder) as again:
        assert again.stats().tracklets == 7
        assert again.is_erased("t3")
        assert again.verify().ok


def test_keeps_keys_revoked_and_the_audit_log_whole(folder: Path, tmp_path: Path) -> None:
    with make_gallery(folder) as gallery:
        key, text = gallery.keys.create("desk", "query", None)
        gallery.backup(tmp_path / "backup")
        gallery.keys.revoke(key.key_id)
        gallery.enrol(tracklet("t9", 9), actor="later")

    restore(tmp_path / "backup", folder)

    with make_gallery(folder) as again:
        assert again.keys.authenticate(text) is None
        actions = [entry.action for entry in again.audit(limit=50, cursor=None).items]
        assert actions[0] == "restore"
        assert "enrol" in actions
        assert again.verify().ok


def test_a_backup_from_before_the_first_entry_keeps_the_whole_audit_log(
    folder: Path, tmp_path: Path
) -> None:
    with make_gallery(folder) as gallery:
        gallery.backup(tmp_path / "backup")
        assert content(tmp_path / "backup")["audit"] == []
        gallery.enrol(tracklet("t9", 9), actor="later")

    restore(tmp_path / "backup", folder)

    with make_gallery(folder) as again:
        entries = again.audit(limit=50, cursor=None).items
        assert [entry.action for entry in entries] == ["restore", "enrol"]
        assert again.verify().ok


def test_needs_the_gallery_alone(gallery: LocalGallery, folder: Path, tmp_path: Path) -> None:
    fill(gallery)
    gallery.backup(tmp_path / "backup")
    with pytest.raises(GalleryLocked):
        restore(tmp_path / "backup", folder)
    assert gallery.stats().tracklets == 8


def test_a_damaged_backup_leaves_the_gallery_as_it_is(folder: Path, tmp_path: Path) -> None:
    with make_gallery(folder) as gallery:
        fill(gallery)
        gallery.backup(tmp_path / "backup")
    before = content(folder)
    file = tmp_path / "backup" / FILE
    file.write_bytes(file.read_bytes()[:20_000])
    with pytest.raises(GalleryCorrupt):
        restore(tmp_path / "backup", folder)
    assert content(folder) == before


def test_what_a_killed_restore_left_holds_nobody_after_an_erasure(
    folder: Path, tmp_path: Path
) -> None:
    with make_gallery(folder) as gallery:
        fill(gallery)
        gallery.backup(tmp_path / "backup")
    for suffix in ("", "-wal", "-shm", "-journal"):
        left = folder / f"gallery.sqlite3.tmp{suffix}"
        left.write_bytes((tmp_path / "backup" / FILE).read_bytes())
    with make_gallery(folder) as gallery:
        gallery.erase("t3", actor="test")
        assert holds(folder, picture(3, 6000)) == []


def test_a_restore_keeps_the_log_of_the_gallery_until_it_is_in_the_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the two, all that was acknowledged must be in the file alone."""
    with make_gallery(folder) as gallery:
        fill(gallery)
        gallery.backup(tmp_path / "backup")
        gallery.enrol(tracklet("later", 50), actor="test")
        saved = {file: file.read_bytes() for file in folder.iterdir()}
    for file, content_of_file in saved.items():
        file.write_bytes(content_of_file)  # as a kill leaves it, with a log

    def die(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("indexer.backup.forget", die)
    alone = tmp_path / "alone"
    alone.mkdir(mode=0o700)
    # Somebody who merely has it open keeps SQLite from bringing the log over by itself.
    with closing(sqlite3.connect(folder / FILE)) as onlooker:
        onlooker.execute("SELECT count(*) FROM tracklets").fetchone()
        with pytest.raises(KeyboardInterrupt):
            restore(tmp_path / "backup", folder)
        (alone / FILE).write_bytes((folder / FILE).read_bytes())
    with make_gallery(alone) as again:
        assert again.get("later").tracklet_id == "later"
        assert again.verify().ok


def test_two_backups_do_not_go_to_one_place(gallery: LocalGallery, tmp_path: Path) -> None:
    fill(gallery)
    (tmp_path / "backup").mkdir()
    with ProcessLock(tmp_path / "backup" / LOCK_FILE) as lock:
        lock.own()
        with pytest.raises(GalleryLocked):
            gallery.backup(tmp_path / "backup")
    gallery.backup(tmp_path / "backup")


def test_a_backup_without_room_says_so_and_leaves_nothing(
    gallery: LocalGallery, tmp_path: Path
) -> None:
    fill(gallery)
    with files_at_most(40_000), pytest.raises(StorageFull):
        gallery.backup(tmp_path / "backup")
    assert [file.name for file in (tmp_path / "backup").iterdir()] == ["lock"]
    gallery.backup(tmp_path / "backup")


def test_replaces_a_gallery_that_cannot_be_read(folder: Path, tmp_path: Path) -> None:
    with make_gallery(folder) as gallery:
        fill(gallery)
        gallery.backup(tmp_path / "backup")
    (folder / FILE).write_bytes(b"no database at all" * 1000)
    restore(tmp_path / "backup", folder)
    with make_gallery(folder) as again:
        assert again.stats().tracklets == 8


def test_refuses_what_is_no_backup(gallery: LocalGallery, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(GalleryMissing):
        restore(tmp_path / "nothing", tmp_path / "to")
    with pytest.raises(InvalidParameter):
        gallery.backup(folder)
