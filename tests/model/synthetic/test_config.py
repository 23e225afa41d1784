"""Configurations, presets and the plan of a world."""

import numpy as np
import pytest

from model.errors import InvalidParameter
from model.synthetic import PRESETS, Kind, WorldConfig, preset
from model.synthetic.config import config_from_json
from model.synthetic.kinds import kind_spec
from model.synthetic.plan import make_plan


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_are_valid_and_keep_their_promises(name: str) -> None:
    config = preset(name)

    assert config.night_rate <= 0.05
    assert config.outfit_change_rate <= 0.05
    assert config.shards * config.tracklets_per_shard >= config.tracklets
    assert config_from_json(config.as_json()) == config


def test_preset_sizes() -> None:
    assert preset("small").identities == 200
    assert preset("small").frames == 200 * 8 * 8
    assert 2_800 <= preset("paper").identities <= 2_820
    assert 85_000 <= preset("paper").tracklets <= 95_000
    assert 7_000 <= preset("campaign").identities <= 9_000
    assert (preset("campaign").frame_height, preset("campaign").frame_width) == (128, 64)


def test_an_unknown_preset_is_named_with_the_known_ones() -> None:
    with pytest.raises(InvalidParameter, match="tiny"):
        preset("huge")


@pytest.mark.parametrize(
    "change",
    [
        {"identities": 0},
        {"seed": -1},
        {"frame_height": 8},
        {"distractors": (0.5, 0.1)},
        {"frames_per_tracklet": 0},
    ],
)
def test_impossible_worlds_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidParameter):
        preset("tiny", **change)


def test_the_digest_depends_on_every_field() -> None:
    base = WorldConfig()
    others = [WorldConfig(seed=1), WorldConfig(kind=Kind.K1), WorldConfig(jump_rate=0.1)]
    assert len({base.digest(), *(other.digest() for other in others)}) == 4
    assert WorldConfig().digest() == base.digest()


def test_the_plan_gives_everyone_their_tracklets_from_several_cameras() -> None:
    config = preset("small")
    plan = make_plan(config)

    assert len(plan.tracklets) == config.tracklets
    cameras: dict[int, set[int]] = {}
    places: dict[int, set[int]] = {}
    for entry in plan.tracklets:
        cameras.setdefault(entry.identity, set()).add(entry.camera)
        places.setdefault(entry.identity, set()).add(entry.environment)
    assert min(len(seen) for seen in cameras.values()) >= 3
    away = np.mean([len(seen) > 1 for seen in places.values()])
    assert 0.2 < away < 0.47
    order = [(entry.environment, entry.identity) for entry in plan.tracklets]
    assert order == sorted(order)


def test_rare_events_stay_rare() -> None:
    plan = make_plan(preset("small", identities=800))
    assert np.mean([entry.night for entry in plan.tracklets]) <= 0.06
    assert np.mean([entry.outfit_changes for entry in plan.tracklets]) <= 0.06


def test_kinds_draw_from_disjoint_tables() -> None:
    k0, k1 = kind_spec(Kind.K0), kind_spec(Kind.K1)

    assert not set(k0.garments.prints) & set(k1.garments.prints)
    assert not set(k0.garments.neutrals) & set(k1.garments.neutrals)
    assert not set(k0.scenes.grounds) & set(k1.scenes.grounds)
    assert not set(k0.scenes.walls) & set(k1.scenes.walls)
    assert k0.lenses.tone != k1.lenses.tone
    assert k0.boxes != k1.boxes
    assert k0.bodies != k1.bodies
