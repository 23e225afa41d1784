"""Erased means: no row, no search, no byte in any file; with a receipt, and never forgotten."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from indexer.archive.ledger import LEDGER, Ledger
from indexer.archive.sources import Archive
from indexer.gallery import LocalGallery
from indexer.records import Filter, Search
from indexer.rows import to_stored
from model.errors import ErasePending, NotFound
from tests.support.galleries import MODEL, holds, make_gallery, picture, tracklet, unit


def fill(gallery: LocalGallery, count: int = 12) -> None:
    for seed in range(count):
        pictures = [picture(1000 + seed, 5000), picture(2000 + seed)]
        gallery.enrol(
            tracklet(f"t{seed}", seed, identity=f"p{seed % 4}", pictures=pictures), actor="test"
        )


def traces(folder: Path, seed: int) -> list[str]:
    wanted = (to_stored(unit(seed)), picture(1000 + seed, 5000), picture(2000 + seed))
    return [name for content in wanted for name in holds(folder, content)]


def test_no_file_holds_the_bytes_any_more(folder: Path) -> None:
    with make_gallery(folder, save_index=True) as gallery:
        fill(gallery)
    assert len(traces(folder, 5)) == 4  # vector in store and saved index, two pictures
    with make_gallery(folder) as gallery:
        receipt = gallery.erase("t5", actor="officer")
        assert traces(folder, 5) == []
        assert not (folder / "index.saved").exists()
        assert (receipt.tracklets, receipt.pictures, receipt.actor) == (1, 2, "officer")
        assert receipt.physical == "done"
        assert receipt.generation == gallery.stats().generation
        assert "t5" not in repr(receipt)
        assert len(traces(folder, 6)) == 3
        with pytest.raises(NotFound):
            gallery.get("t5")
        with pytest.raises(NotFound):
            gallery.erase("t5", actor="officer")
        assert gallery.verify().ok
    assert traces(folder, 5) == []


def test_the_ledger_forgets_the_id_too(folder: Path) -> None:
    here = Archive(Path("/x"), "here")
    with make_gallery(folder) as gallery:
        fill(gallery)
        with Ledger(folder) as ledger:
            ledger.failed(here, "yard/the-erased-walk", "changed since", "t5")
            ledger.failed(here, "yard/another-walk", "changed since", "t6")

        gallery.erase("t5", actor="test")

    with Ledger(folder) as ledger:
        assert [failure.tracklet_id for failure in ledger.failures(here)] == ["t6"]
    assert b"the-erased-walk" not in (folder / LEDGER).read_bytes()


def test_the_index_forgets_the_bits_too(gallery: LocalGallery) -> None:
    fill(gallery)
    view = gallery._view
    erased, kept = view._columns.place(6), view._columns.place(7)
    gallery.erase("t5", actor="test")
    assert view._columns.place(6) is None
    assert not view._vectors.read(np.array([erased])).any()
    assert view._vectors.read(np.array([kept])).any()


def test_a_whole_identity_with_its_old_names(gallery: LocalGallery, folder: Path) -> None:
    fill(gallery)
    gallery.enrol(tracklet("m", 77, identity="Margarethe von Beispiel"), actor="test")
    gallery.merge("Margarethe von Beispiel", "p1", actor="test")
    receipt = gallery.erase_identity("p1", actor="test")
    assert (receipt.tracklets, receipt.pictures) == (4, 6)
    assert [trace for seed in (1, 5, 9) for trace in traces(folder, seed)] == []
    files = [file for file in folder.iterdir() if b"Margarethe" in file.read_bytes()]
    assert files == []
    assert gallery.is_erased("t1")
    with pytest.raises(NotFound):
        gallery.erase_identity("p1", actor="test")


def test_an_open_reader_delays_the_receipt_but_not_the_erasure(folder: Path) -> None:
    with make_gallery(folder, erase_deadline=0.05) as gallery, make_gallery(folder) as other:
        fill(gallery)
        with other._store.reading() as reader:
            reader.execute("SELECT count(*) FROM tracklets").fetchone()
            with pytest.raises(ErasePending):
                gallery.erase("t5", actor="officer")
            assert traces(folder, 5) != []  # the reader's snapshot still needs them
            assert gallery.list(Filter(), limit=50, cursor=None).items[-1].tracklet_id == "t11"
            found = gallery.search(unit(5), MODEL, Search(top_k=50), actor="test")
            assert "t5" not in repr(found.identities)
            with pytest.raises(ErasePending):
                gallery.erase("t5", actor="officer")
            assert [one.kind for one in gallery.verify().findings] == ["erasure_pending"]
        receipt = gallery.erase("t5", actor="officer")
        assert traces(folder, 5) == []
        assert (receipt.tracklets, receipt.physical) == (1, "done")
        assert gallery.verify().ok
        with pytest.raises(NotFound):
            gallery.erase("t5", actor="officer")


def test_the_next_start_finishes_what_was_left_open(folder: Path) -> None:
    gallery = make_gallery(folder, erase_deadline=0.05)
    fill(gallery)
    with gallery._store.reading() as reader:
        reader.execute("SELECT count(*) FROM tracklets").fetchone()
        with pytest.raises(ErasePending):
            gallery.erase("t5", actor="officer")
    gallery.close()
    with make_gallery(folder) as again:
        assert traces(folder, 5) == []
        assert again.verify().ok
        assert again.erase("t5", actor="officer").physical == "done"  # the receipt, once


def test_more_than_fit_one_transaction(
    gallery: LocalGallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.erasure._TRACKLETS_AT_ONCE", 2)
    fill(gallery, 20)
    assert gallery.erase_identity("p0", actor="test").tracklets == 5
    assert gallery.stats().tracklets == 15


def test_retention_erases_what_is_old_enough(gallery: LocalGallery) -> None:
    fill(gallery)
    assert gallery.erase_expired(1, actor="retention") is None
    with gallery._store.writing() as connection:
        day = 86_400_000_000
        now = int(datetime.now(UTC).timestamp() * 1e6)
        connection.execute("UPDATE tracklets SET created_at = ? WHERE seq <= 3", (now - 2 * day,))
    receipt = gallery.erase_expired(1, actor="retention")
    assert receipt is not None
    assert receipt.tracklets == 3
    assert gallery.stats().tracklets == 9
    assert gallery.audit(limit=1, cursor=None).items[0].action == "expire"


def test_compaction_keeps_what_is_left(
    gallery: LocalGallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.view._LEAST_DEAD", 2)
    fill(gallery, 20)
    for identity in ("p1", "p3"):
        gallery.erase_identity(identity, actor="test")
    assert len(gallery._view.ids) == 10
    for seed in range(0, 20, 2):
        best = gallery.search(unit(seed), MODEL, Search(), actor="test").identities[0]
        assert best.tracklets[0].tracklet.tracklet_id == f"t{seed}"
    assert gallery.verify().ok


def test_the_receipt_says_when(gallery: LocalGallery) -> None:
    fill(gallery, 1)
    before = datetime.now(UTC)
    assert before <= gallery.erase("t0", actor="test").erased_at <= datetime.now(UTC)
