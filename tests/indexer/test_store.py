"""The SQLite file: durable when committed, whole or absent, emptied on demand."""

import sqlite3
import stat
from contextlib import closing, suppress
from pathlib import Path

import pytest

from indexer import schema
from indexer.store import FILE, Store, connect, create_store, next_generation
from model.errors import GalleryCorrupt, GalleryMissing, StorageFull
from tests.support.galleries import make_gallery


@pytest.fixture
def file(tmp_path: Path) -> Path:
    create_store(tmp_path / FILE, "model", 4)
    return tmp_path / FILE


def test_describes_itself(file: Path) -> None:
    with closing(Store(file)) as store:
        assert (store.model_id, store.width, store.generation()) == ("model", 4, 0)


def test_whoever_creates_second_finds_the_first_ones(file: Path) -> None:
    create_store(file, "another", 9)
    with closing(Store(file)) as store:
        assert (store.model_id, store.width) == ("model", 4)


def test_is_synced_and_overwrites_what_it_deletes(file: Path) -> None:
    with closing(connect(file, "FULL")) as connection:
        pragmas = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "secure_delete", "busy_timeout")
        ]
    assert pragmas == ["wal", 2, 1, 10_000]


def test_a_failed_block_leaves_nothing(file: Path) -> None:
    with closing(Store(file)) as store:
        with suppress(ZeroDivisionError), store.writing() as connection:
            next_generation(connection)
            raise ZeroDivisionError
        assert store.generation() == 0


def test_a_block_is_one_snapshot(file: Path) -> None:
    with closing(Store(file)) as store, store.reading() as reader:
        before = reader.execute("SELECT generation FROM gallery").fetchone()
        with store.writing() as connection:
            next_generation(connection)
        assert reader.execute("SELECT generation FROM gallery").fetchone() == before


@pytest.mark.parametrize("size", [0, 7, 9])
def test_refuses_vectors_of_another_length(file: Path, size: int) -> None:
    with (
        closing(Store(file)) as store,
        pytest.raises(sqlite3.IntegrityError),
        store.writing() as connection,
    ):
        connection.execute("INSERT INTO vectors VALUES (1, ?, 0)", (bytes(size),))


@pytest.mark.parametrize("statement", ["DELETE FROM audit", "UPDATE audit SET actor = 'x'"])
def test_the_audit_log_cannot_be_changed(file: Path, statement: str) -> None:
    with closing(Store(file)) as store:
        with store.writing() as connection:
            connection.execute("INSERT INTO audit VALUES (1, 0, 'me', 'search', NULL, '{}', 0)")
        with (
            pytest.raises(sqlite3.IntegrityError, match="append-only"),
            store.writing() as connection,
        ):
            connection.execute(statement)


def test_a_reader_keeps_the_log_from_being_emptied(file: Path) -> None:
    with closing(Store(file)) as store:
        with store.reading() as reader:
            reader.execute("SELECT * FROM gallery").fetchone()
            with store.writing() as connection:
                next_generation(connection)
            assert not store.empty_log(0.05)
        assert store.empty_log(0.05)
        assert file.with_name(FILE + "-wal").stat().st_size == 0


def test_a_full_database_is_storage_full_and_still_reads(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Store(file)) as store:
        with store.reading() as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
        monkeypatch.setattr("indexer.store.most_pages", lambda **_: pages)
        with pytest.raises(StorageFull), store.writing() as connection:
            connection.execute("CREATE TABLE more (x)")
        assert store.generation() == 0


def test_opens_no_gallery_of_the_future(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(GalleryCorrupt, match="version"):
        Store(file)


def test_refuses_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database, but long enough to be taken for one" * 50)
    with pytest.raises(GalleryCorrupt):
        Store(tmp_path / FILE)


def test_refuses_what_is_not_there_or_unfinished(tmp_path: Path) -> None:
    with pytest.raises(GalleryMissing):
        Store(tmp_path / FILE)
    (tmp_path / FILE).touch()
    with pytest.raises(GalleryMissing):
        Store(tmp_path / FILE)


def test_only_the_owner_may_read_a_gallery(folder: Path) -> None:
    with make_gallery(folder, save_index=True) as gallery:
        gallery.keys.create("desk", "query", None)
        files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files["index.saved"] = stat.S_IMODE((folder / "index.saved").stat().st_mode)
    assert {FILE, FILE + "-wal", FILE + "-shm"} < set(files)
    assert set(files.values()) == {0o600}
