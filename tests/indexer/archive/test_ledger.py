from datetime import UTC, datetime
from pathlib import Path

from indexer.archive.ledger import LEDGER, Ledger
from indexer.archive.sources import Archive

HERE, THERE = Archive(Path("/x"), "here"), Archive(Path("/x"), "there")


def test_failures_outlive_the_process(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.failed(HERE, "c/t", "broken", "id")
        ledger.failed(THERE, "c/t", "other", None)

    with Ledger(tmp_path) as ledger:
        (failure,) = ledger.failures(HERE)

    assert (failure.place, failure.reason, failure.tracklet_id) == ("c/t", "broken", "id")


def test_further_attempts_count_up_and_the_last_reason_counts(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.failed(HERE, "c/t", "broken", "id")
        ledger.failed(HERE, "c/t", "still broken", "id")

        (failure,) = ledger.failures(HERE)

    assert (failure.attempts, failure.reason) == (2, "still broken")


def test_what_did_not_fail_again_is_forgotten(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.failed(HERE, "c/mended", "broken", "id")
        ledger.failed(THERE, "c/t", "broken", "id")
        started = datetime.now(UTC)
        ledger.failed(HERE, "c/t", "broken", "id")

        ledger.forget(HERE, before=started)

        assert [failure.place for failure in ledger.failures(HERE)] == ["c/t"]
        assert len(ledger.failures(THERE)) == 1


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    with Ledger(tmp_path):
        assert (tmp_path / LEDGER).stat().st_mode & 0o077 == 0
