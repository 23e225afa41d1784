"""A short seeded run of `benchmarks.scoring_costs`' load: no answer mixes two generations."""

from pathlib import Path

from benchmarks.refresh_load import under_load


def test_answers_are_right_while_the_index_is_refreshed_under_load(folder: Path) -> None:
    load = under_load(folder, tracklets=300, seconds=3, width=32, seed=1)
    assert load.wrong == 0
    assert load.answers > 0
    assert load.enrolled > 0
    assert load.erased > 0
    assert load.refreshed > 0
