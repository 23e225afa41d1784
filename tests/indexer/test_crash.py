"""kill -9 at any moment: what was acknowledged is there, what was not is whole or absent."""

from pathlib import Path

from benchmarks.kills import campaign


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    tally = campaign(tmp_path / "gallery", kills=8, seed=20240501)
    assert tally.wrong == []
    assert tally.counts["kills"] == 8
    assert tally.counts["acknowledged"] > 0
