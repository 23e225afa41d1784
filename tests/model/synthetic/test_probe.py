"""Colours alone must not solve a default world, and do solve one without disturbances."""

from pathlib import Path

import pytest

from model.errors import InvalidParameter
from model.synthetic import open_world, preset, synthesise
from model.synthetic.probe import colour_probe


def test_the_default_world_is_no_colour_task(tmp_path: Path) -> None:
    config = preset(
        "tiny", seed=1, identities=48, tracklets_per_identity=4, cameras_per_environment=4
    )
    synthesise(config, tmp_path)
    result = colour_probe(open_world(tmp_path))

    assert result.queries > 80
    assert result.chance < result.rank1 < 0.6


@pytest.mark.parametrize(
    "change",
    [{"identities": 3}, {"tracklets_per_identity": 1}, {"cameras_per_environment": 1}],
)
def test_a_world_too_small_for_a_probe_is_refused(tmp_path: Path, change: dict[str, int]) -> None:
    synthesise(preset("tiny", **{"identities": 4, **change}), tmp_path)

    with pytest.raises(InvalidParameter, match="a colour probe needs"):
        colour_probe(open_world(tmp_path))
