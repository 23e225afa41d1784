"""What a rendered tracklet promises: determinism, visibility, masks, jumps, families."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from model.synthetic import Kind, SyntheticWorld, WorldConfig, preset, render_tracklet
from model.synthetic.head import Hair
from model.synthetic.outfit import Bag, Season
from model.synthetic.person import changed, make_person
from model.synthetic.plan import FAMILY, family_of, make_plan
from model.synthetic.sheet import decode


def test_a_tracklet_is_the_same_in_any_order(tiny: WorldConfig) -> None:
    alone = render_tracklet(tiny, 7)
    for index in (3, 0):
        render_tracklet(tiny, index)
    again = render_tracklet(tiny, 7)

    np.testing.assert_array_equal(alone.frames, again.frames)
    np.testing.assert_array_equal(alone.masks, again.masks)


def test_rendering_in_memory_is_what_the_shard_stores(
    tiny: WorldConfig, world: SyntheticWorld
) -> None:
    tracklet = render_tracklet(tiny, 4)
    stored = world.tracklets[4]

    np.testing.assert_array_equal(tracklet.visible, world.visible[stored.frames])
    difference = tracklet.frames[0].astype(int) - decode(world.jpeg(stored.frames[0]))
    assert np.abs(difference).mean() < 6


def test_visible_is_a_share_and_tracklets_stay_mostly_visible(
    world: SyntheticWorld, tiny: WorldConfig
) -> None:
    assert np.all((world.visible >= 0) & (world.visible <= 1))
    means = world.visible.reshape(-1, tiny.frames_per_tracklet).mean(1)
    assert np.mean(means >= tiny.min_mean_visible) >= 0.95
    assert world.visible.max() > 0.9


def test_without_disturbance_people_are_wholly_visible_and_never_jumped() -> None:
    calm = preset("tiny", seed=2, difficulty=0.0, distractors=(1.0,), identities=4)
    tracklets = [render_tracklet(calm, index) for index in range(6)]

    assert np.mean([tracklet.visible.mean() for tracklet in tracklets]) > 0.85
    assert not any(tracklet.jumps.any() for tracklet in tracklets)


def test_a_jump_shows_less_of_the_person() -> None:
    shaky = preset("tiny", seed=2, jump_rate=0.3, identities=8)
    tracklets = [render_tracklet(shaky, index) for index in range(shaky.tracklets)]
    visible = np.concatenate([tracklet.visible for tracklet in tracklets])
    jumps = np.concatenate([tracklet.jumps for tracklet in tracklets])

    assert jumps.any()
    assert visible[jumps].mean() < 0.5 * visible[~jumps].mean()
    for tracklet in tracklets:
        assert tracklet.jumps.sum() <= len(tracklet.jumps) // 2


def test_masks_agree_with_visibility(world: SyntheticWorld) -> None:
    share = world.mask.reshape(len(world), -1).mean(1)

    assert world.mask.shape == (len(world), 16, 8)
    assert share[world.visible == 0].max(initial=0) == 0
    assert share[world.visible > 0.9].min() > 0.08
    assert np.corrcoef(share, world.visible)[0, 1] > 0.5


def test_the_mask_lies_on_the_person() -> None:
    """Twice the same tracklet, once dressed otherwise: only what the mask covers changes much."""
    config = preset(
        "tiny", seed=2, difficulty=0.0, distractors=(1.0,), identities=4, outfit_change_rate=0.0
    )
    other = replace(config, outfit_change_rate=1.0)
    plan = make_plan(other)
    index = next(i for i, entry in enumerate(plan.tracklets) if entry.outfit_changes)
    one, two = render_tracklet(config, index), render_tracklet(other, index)
    np.testing.assert_array_equal(one.boxes.shape, two.boxes.shape)
    mask = np.unpackbits(one.masks, axis=1).reshape(-1, 16, 8)
    change = np.abs(one.frames.astype(float) - two.frames).mean(-1)
    change = np.stack([cv2.resize(c, (8, 16), interpolation=cv2.INTER_AREA) for c in change])
    assert change[mask == 1].mean() > change[mask == 0].mean()


def test_families_share_colours_and_differ_in_parts(tiny: WorldConfig) -> None:
    plan = make_plan(tiny)
    assert family_of(plan.families, 0) == family_of(plan.families, FAMILY - 1) == 0

    members = [make_person(tiny, k, 0, Season.MILD) for k in range(FAMILY)]
    stranger = make_person(tiny, 40, None, Season.MILD)

    def colours(person: object) -> np.ndarray:
        return np.array(person.outfit.top.fabric.colours[0], float)  # type: ignore[attr-defined]

    spread = max(np.abs(colours(a) - colours(b)).max() for a in members for b in members)
    assert spread < 25 < np.abs(colours(stranger) - colours(members[0])).max() + 25
    assert len({person.outfit.top.fabric.design for person in members}) == 1
    assert len({person.outfit.bottom.fabric.design for person in members}) == 1
    assert len({person.stature for person in members}) == FAMILY
    assert len({(person.outfit.cut, person.outfit.face.hair) for person in members}) == FAMILY


def test_a_changed_outfit_keeps_the_person(tiny: WorldConfig) -> None:
    for identity in range(6):
        before = make_person(tiny, identity, None, Season.WINTER)
        after = changed(before)
        assert after.outfit != before.outfit
        assert after.outfit.face == before.outfit.face
        assert after.outfit.cut == before.outfit.cut
        assert after.body == before.body


@pytest.mark.parametrize("season", list(Season))
@pytest.mark.parametrize("kind", list(Kind))
def test_every_mesh_is_sound(kind: Kind, season: Season) -> None:
    config = WorldConfig(kind=kind)
    for identity in range(3):
        person = make_person(config, identity, None, season)
        mesh = person.mesh
        assert np.isfinite(mesh.positions).all()
        assert mesh.triangles.max() < len(mesh.positions)
        assert mesh.bones.max() < len(person.joints)
        assert np.all((mesh.weights >= 0) & (mesh.weights <= 1))
        height = mesh.positions[:, 1].max() - mesh.positions[:, 1].min()
        assert 0.95 < height / person.stature < 1.25


def test_wardrobes_of_a_crowd_have_variety(tiny: WorldConfig) -> None:
    people = [make_person(tiny, identity, None, Season(identity % 3)) for identity in range(48)]

    assert len({person.outfit.top.fabric.design for person in people}) >= 6
    assert len({person.outfit.cut.style for person in people} - {Hair.SCARF}) >= 6
    assert sum(person.outfit.jacket is not None for person in people) >= 8
    assert sum(person.outfit.load.bag != Bag.NONE for person in people) >= 5
    assert sum(person.outfit.load.pack > 0 for person in people) >= 4


def test_kinds_of_world_look_different() -> None:
    frames = {
        kind: render_tracklet(preset("tiny", kind=kind, identities=4), 0).frames for kind in Kind
    }
    pairs = [(a, b) for a in Kind for b in Kind if a < b]
    assert all(not np.array_equal(frames[a], frames[b]) for a, b in pairs)


def test_kinds_share_nobody_at_the_same_seed() -> None:
    bodies = [make_person(preset("tiny", kind=kind), 0, None, Season.SUMMER).body for kind in Kind]

    assert len({body.stature for body in bodies}) == len(bodies)
    assert len({body.shoulders for body in bodies}) == len(bodies)
