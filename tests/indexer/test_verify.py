"""`verify` finds every kind of damage, and `rebuild` mends what it promises to mend."""

import sqlite3
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from indexer.camera_statistics import freeze
from indexer.gallery import LocalGallery
from indexer.records import Search, TrackletPatch
from indexer.rows import to_stored
from indexer.seals import SEALED
from indexer.store import FILE, next_generation
from model.errors import GalleryFailure, NotFound
from tests.support.galleries import MODEL, WIDTH, make_gallery, picture, tracklet, unit


def fill(gallery: LocalGallery) -> None:
    for seed in range(6):
        new = tracklet(f"t{seed}", seed, pictures=[picture(seed), picture(100 + seed)])
        gallery.enrol(new, actor="test")


def behind_its_back(folder: Path, *statements: str, values: tuple[object, ...] = ()) -> None:
    """Change the store as nobody should."""
    connection = sqlite3.connect(folder / FILE)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    for statement in statements:
        connection.execute(statement, values)
    connection.commit()
    connection.close()


def vector_of(number: float) -> bytes:
    return to_stored((unit(1) * np.float32(number)).astype(np.float32))


def set_vector(vector: bytes) -> Callable[[Path], None]:
    sql = "UPDATE vectors SET embedding = ?, crc = ? WHERE seq = 3"
    return lambda folder: behind_its_back(folder, sql, values=(vector, zlib.crc32(vector)))


def run(*statements: str) -> Callable[[Path], None]:
    return lambda folder: behind_its_back(folder, *statements)


DAMAGE = {
    "embedding_damaged": run("UPDATE vectors SET crc = crc + 1 WHERE seq = 3"),
    "wrong_length": set_vector(bytes(2 * WIDTH - 2)),
    "not_finite": set_vector(vector_of(float("nan"))),
    "not_unit": set_vector(vector_of(1.5)),
    "wrong_model": run("UPDATE tracklets SET model_id = 'another' WHERE seq = 3"),
    "picture_damaged": run("UPDATE pictures SET jpeg = x'00' WHERE seq = 3 AND place = 1"),
    "orphan_picture": run("UPDATE pictures SET seq = 99 WHERE seq = 3 AND place = 1"),
    "missing_picture": run("DELETE FROM pictures WHERE seq = 3 AND place = 0"),
    "orphan_vector": run(
        "INSERT INTO vectors SELECT 99, embedding, crc FROM vectors WHERE seq = 3"
    ),
    "missing_vector": run("DELETE FROM vectors WHERE seq = 3"),
    "row_changed": run("UPDATE tracklets SET identity = 'another' WHERE seq = 3"),
    "tracklet_lost": run("DELETE FROM tracklets WHERE seq = 3"),
    "audit_cut": run("DROP TRIGGER audit_is_never_cut", "DELETE FROM audit WHERE entry = 3"),
    "index_differs": set_vector(vector_of(-1)),
    "index_invents": run("DELETE FROM vectors WHERE seq = 3"),
    "index_misses": run("INSERT INTO vectors SELECT 9, embedding, crc FROM vectors WHERE seq = 3"),
    "erasure_pending": run(
        "INSERT INTO erasures VALUES ('id', x'00', 0, 'me', 1, 0, 1, 0, 0, 0)",
    ),
}


def test_nothing_is_wrong_with_a_good_gallery(gallery: LocalGallery) -> None:
    fill(gallery)
    found = gallery.verify()
    assert (found.ok, found.checked) == (True, 6)


@pytest.mark.parametrize("kind", DAMAGE)
def test_finds(kind: str, gallery: LocalGallery, folder: Path) -> None:
    fill(gallery)
    DAMAGE[kind](folder)
    found = gallery.verify()
    assert kind in {finding.kind for finding in found.findings}
    assert not found.ok


@pytest.mark.parametrize(
    "kind", ["orphan_picture", "missing_picture", "orphan_vector", "index_misses"]
)
def test_a_rebuild_mends_what_is_said_to_be_mendable(
    kind: str, gallery: LocalGallery, folder: Path
) -> None:
    fill(gallery)
    DAMAGE[kind](folder)
    assert all(finding.mendable for finding in gallery.verify().findings)
    gallery.rebuild()
    assert gallery.verify().findings == ()


EVERYTHING = {
    "INTEGER": "{0} = {0} + 1000",
    "TEXT": "{0} = {0} || 'x'",
    "BLOB": "{0} = zeroblob(length({0}))",
    "attributes": "{0} = '{{\"more\": 1}}'",
    "details": "{0} = '{{\"more\": 1}}'",
    "role": "{0} = 'admin'",
}
"""How a value of a column is changed, by the column's name or its type."""


def columns(folder: Path) -> list[tuple[str, str, str]]:
    """(table, column, type) of everything that a gallery stores."""
    connection = sqlite3.connect(folder / FILE)
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    found = [
        (table, row[1], row[2])
        for (table,) in tables
        if table != "sqlite_sequence"
        for row in connection.execute(f"PRAGMA table_info({table})")
    ]
    connection.close()
    return found


def test_finds_a_change_in_any_column_of_any_table(folder: Path) -> None:
    with make_gallery(folder) as gallery:
        fill(gallery)
        for seed in range(20, 27):
            gallery.enrol(tracklet(f"t{seed}", seed, camera="hall"), actor="test")
        with gallery._store.writing() as connection:
            freeze(connection, next_generation(connection))
        gallery.patch("t20", TrackletPatch(camera="door"), actor="test")
        now = datetime.now(UTC)
        told = {"identity": "Ann", "camera": "door", "captured_at": now, "captured_until": now}
        gallery.patch("t1", TrackletPatch(**told), actor="test")
        key, _ = gallery.keys.create("desk", "query", timedelta(days=1))
        gallery.keys.revoke(key.key_id)
        gallery.merge("Ann", "Bea", actor="test")
        gallery.erase("t5", actor="test")
        assert gallery.verify().ok
    whole = (folder / FILE).read_bytes()

    unseen = []
    for table, column, kind in columns(folder):
        (folder / FILE).write_bytes(whole)
        change = EVERYTHING.get(column, EVERYTHING[kind]).format(column)
        behind_its_back(
            folder,
            "DROP TRIGGER audit_is_never_changed",
            f"UPDATE {table} SET {change} WHERE {column} NOT NULL",
        )
        try:
            with make_gallery(folder, model_id=None, width=None, create=False) as gallery:
                found = gallery.verify()
        except GalleryFailure:
            continue
        if found.ok:
            unseen.append((table, column))
    assert unseen == [("pictures", "picture")]  # a number that nothing refers to


def test_finds_vectors_and_pictures_that_were_exchanged(folder: Path) -> None:
    with make_gallery(folder) as gallery:
        fill(gallery)
        behind_its_back(
            folder,
            "UPDATE vectors SET seq = -seq WHERE seq IN (2, 3)",
            "UPDATE vectors SET seq = 5 + seq WHERE seq < 0",
            "UPDATE pictures SET seq = -seq WHERE seq IN (4, 5) AND place = 0",
            "UPDATE pictures SET seq = 9 + seq WHERE seq < 0",
        )
        found = {(finding.kind, finding.subject) for finding in gallery.verify().findings}
    assert {("row_changed", "t1"), ("row_changed", "t2")} <= found
    assert {("picture_damaged", "t3"), ("picture_damaged", "t4")} <= found


def test_finds_a_saved_index_that_holds_something_else(folder: Path) -> None:
    with make_gallery(folder, save_index=True) as gallery:
        fill(gallery)
    vector = to_stored(unit(77))
    sql = "UPDATE vectors SET embedding = ?, crc = ? WHERE seq = 3"
    behind_its_back(folder, sql, values=(vector, zlib.crc32(vector)))
    with make_gallery(folder, fill=False) as gallery:
        kinds = {finding.kind for finding in gallery.verify().findings}
    assert "saved_index_differs" in kinds


def test_a_view_that_holds_something_else_is_found_and_mended(gallery: LocalGallery) -> None:
    fill(gallery)
    gallery.search(unit(2), MODEL, Search(), actor="test")
    gallery._view._vectors.blank(2)
    (finding,) = gallery.verify().findings
    assert (finding.kind, finding.subject, finding.mendable) == ("index_differs", "t2", True)
    gallery.rebuild()
    assert gallery.verify().ok


def test_an_index_of_a_table_is_checked_and_built_anew(folder: Path) -> None:
    with make_gallery(folder) as gallery:
        fill(gallery)
    connection = sqlite3.connect(folder / FILE)
    (root,) = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_tracklets_1'"
    ).fetchone()
    connection.close()
    content = bytearray((folder / FILE).read_bytes())
    place = content.index(b"t5", 4096 * (root - 1))
    content[place : place + 2] = b"t7"
    (folder / FILE).write_bytes(content)

    with make_gallery(folder) as gallery:
        with pytest.raises(NotFound):
            gallery.get("t5")
        findings = gallery.verify().findings
        assert {one.kind for one in findings} == {"table_index_damaged"}
        assert all(one.mendable for one in findings)
        gallery.rebuild()
        assert gallery.verify().ok
        assert gallery.get("t5").tracklet_id == "t5"


def test_an_older_gallery_is_sealed_when_it_is_opened(folder: Path) -> None:
    with make_gallery(folder) as gallery:
        fill(gallery)
        gallery.erase("t5", actor="test")
    statistics = ("camera_sums", "frozen_sums", "frozen", "moved_since_frozen")
    drops = [f"ALTER TABLE {table} DROP COLUMN seal" for table in SEALED if table not in statistics]
    drops += [f"DROP TABLE {table}" for table in statistics]
    trigger = (
        "CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit"
        " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    )
    drop = "DROP TRIGGER audit_is_never_changed"
    behind_its_back(folder, drop, *drops, trigger, "PRAGMA user_version = 1")
    with make_gallery(folder) as gallery:
        assert gallery.verify().ok
        gallery.enrol(tracklet("later", 50), actor="test")
        assert gallery.verify().ok


def test_a_damaged_vector_is_never_found(folder: Path) -> None:
    with make_gallery(folder) as gallery:
        fill(gallery)
    DAMAGE["embedding_damaged"](folder)
    with make_gallery(folder) as gallery:
        ranking = gallery.search(unit(2), MODEL, Search(top_k=50), actor="test")
        found = {
            hit.tracklet.tracklet_id for place in ranking.identities for hit in place.tracklets
        }
        assert found == {"t0", "t1", "t3", "t4", "t5"}
        (finding, *_) = gallery.verify().findings
        assert (finding.kind, finding.subject) == ("embedding_damaged", "t2")


def test_a_flipped_bit_in_the_saved_index_is_found_and_not_used(folder: Path) -> None:
    with make_gallery(folder, save_index=True) as gallery:
        fill(gallery)
        before = gallery.search(unit(2), MODEL, Search(), actor="test")
    content = bytearray((folder / "index.saved").read_bytes())
    for place, kind in ((100, "its checksum"), (len(content) - 30, "its description")):
        broken = bytearray(content)
        broken[place] ^= 0x80
        (folder / "index.saved").write_bytes(broken)
        with make_gallery(folder) as gallery:
            assert gallery.search(unit(2), MODEL, Search(), actor="test") == before
            (finding,) = gallery.verify().findings
            assert finding.kind == "saved_index_damaged"
            assert kind in finding.detail
            assert finding.mendable
    with make_gallery(folder) as gallery:
        gallery.rebuild()
        assert gallery.verify().ok


def test_a_failed_saving_leaves_the_earlier_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with make_gallery(folder, save_index=True) as gallery:
        fill(gallery)
    before = (folder / "index.saved").read_bytes()
    with make_gallery(folder, save_index=True) as gallery:
        gallery.enrol(tracklet("new", 50), actor="test")
        monkeypatch.setattr("indexer.saved.os.fsync", no_room)
    assert (folder / "index.saved").read_bytes() == before
    assert not (folder / "index.saved.tmp").exists()


@pytest.mark.parametrize("size", [0, 5, 200])
def test_a_torn_saved_index_is_not_used(folder: Path, size: int) -> None:
    with make_gallery(folder, save_index=True) as gallery:
        fill(gallery)
    content = (folder / "index.saved").read_bytes()
    (folder / "index.saved").write_bytes(content[:size])
    with make_gallery(folder) as gallery:
        assert len(gallery.search(unit(2), MODEL, Search(), actor="test").identities) == 6


def test_a_saved_index_of_another_generation_is_not_used(folder: Path) -> None:
    with make_gallery(folder, save_index=True) as gallery:
        fill(gallery)
    saved = (folder / "index.saved").read_bytes()
    with make_gallery(folder) as gallery:
        gallery.erase("t2", actor="test")
        gallery.enrol(tracklet("new", 50), actor="test")
    (folder / "index.saved").write_bytes(saved)  # as if the erasure had missed it
    with make_gallery(folder) as gallery:
        best = gallery.search(unit(50), MODEL, Search(), actor="test").identities[0].tracklets[0]
        assert best.tracklet.tracklet_id == "new"
        assert gallery.verify().ok


def test_a_damaged_database_is_a_finding_not_a_crash(folder: Path) -> None:
    with make_gallery(folder) as gallery:
        fill(gallery)
    connection = sqlite3.connect(folder / FILE)
    (root,) = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'pictures'"
    ).fetchone()
    connection.close()
    with (folder / FILE).open("r+b") as file:
        file.seek(4096 * (root - 1))
        file.write(b"\xff" * 64)
    with make_gallery(folder) as gallery:
        found = gallery.verify()
    assert {finding.kind for finding in found.findings} == {"database_damaged"}
