from collections import Counter

import numpy as np
import pytest

from model.datasets.tracklets import TrackletSource
from model.errors import InvalidParameter
from model.learning.config import BatchSettings, BatchShape
from model.learning.sampler import PKSampler
from tests.support.people import MemoryFrames


def world(
    people: int = 40, cameras: int = 3, places: int = 4, frames: int = 9
) -> tuple[TrackletSource, ...]:
    """People in families of four; every place has whole families and its own cameras."""
    empty = MemoryFrames((b"",) * frames)
    return tuple(
        TrackletSource(
            identity=1000 + person,
            camera=10 * (person // 4 % places) + camera,
            frames=empty,
            environment=person // 4 % places,
            family=person // 4,
        )
        for person in range(people)
        for camera in range(cameras)
    )


def settings(*shapes: BatchShape, **changes: float | None) -> BatchSettings:
    shapes = shapes or (BatchShape(identities=8, tracklets=2, frames=4),)
    return BatchSettings.model_validate({"shapes": shapes, **changes})


def test_a_plan_is_a_function_of_seed_and_step() -> None:
    tracklets = world()
    one = PKSampler(tracklets, settings(environments=2, foreign_rate=0.5), 7)
    two = PKSampler(tracklets, settings(environments=2, foreign_rate=0.5), 7)
    other = PKSampler(tracklets, settings(environments=2, foreign_rate=0.5), 8)

    assert [one.plan(step) for step in (5, 0, 5)] == [two.plan(step) for step in (5, 0, 5)]
    assert one.plan(3) != other.plan(3)


def test_a_batch_has_p_identities_with_k_tracklets_of_l_increasing_frames() -> None:
    tracklets = world()
    plan = PKSampler(tracklets, settings(), 0).plan(0)

    people = Counter(tracklets[pick.tracklet].identity for pick in plan.picks)

    assert sorted(people.values()) == [2] * 8
    for pick in plan.picks:
        assert len(pick.frames) == 4
        assert list(pick.frames) == sorted(set(pick.frames))


def test_every_identity_comes_once_before_any_comes_again() -> None:
    tracklets = world(people=40)
    sampler = PKSampler(tracklets, settings(), 3)

    seen = [tracklets[p.tracklet].identity for step in range(5) for p in sampler.plan(step).picks]

    assert set(Counter(seen).values()) == {2}
    assert len(set(seen)) == 40


def test_an_identitys_tracklets_come_from_different_cameras() -> None:
    tracklets = world()
    plan = PKSampler(tracklets, settings(BatchShape(identities=8, tracklets=3, frames=1)), 0).plan(
        1
    )

    cameras: dict[int, list[int]] = {}
    for pick in plan.picks:
        source = tracklets[pick.tracklet]
        cameras.setdefault(source.identity, []).append(source.camera)

    assert all(len(set(seen)) == 3 for seen in cameras.values())


def test_a_person_with_too_few_tracklets_repeats_them() -> None:
    tracklets = world(cameras=1)
    plan = PKSampler(tracklets, settings(BatchShape(identities=4, tracklets=4, frames=2)), 0).plan(
        0
    )

    assert len(plan.picks) == 16


def test_people_of_a_batch_share_few_places_and_come_as_families() -> None:
    tracklets = world(people=64, places=8)
    sampler = PKSampler(tracklets, settings(environments=2, family_share=0.5), 0)

    for step in range(20):
        picks = [tracklets[pick.tracklet] for pick in sampler.plan(step).picks]
        families = Counter(t.family for t in {p.identity: p for p in picks}.values())

        assert len({source.environment for source in picks}) <= 2
        assert max(families.values()) == 4


def test_strangers_are_other_people_of_the_batch_and_never_the_majority() -> None:
    tracklets = world()
    sampler = PKSampler(tracklets, settings(foreign_rate=1), 0)

    strangers = 0
    for step in range(10):
        plan = sampler.plan(step)
        present = {pick.tracklet for pick in plan.picks}
        for pick in plan.picks:
            strangers += len(pick.strangers)
            assert 1 <= len(pick.strangers) < len(pick.frames) / 2
            for stranger in pick.strangers:
                assert stranger.tracklet in present
                assert tracklets[stranger.tracklet].identity != tracklets[pick.tracklet].identity
    assert strangers


def test_two_frames_get_no_stranger() -> None:
    sampler = PKSampler(
        world(), settings(BatchShape(identities=4, tracklets=2, frames=2), foreign_rate=1), 0
    )

    assert not any(pick.strangers for pick in sampler.plan(0).picks)


def test_shapes_keep_their_shares() -> None:
    shapes = (
        BatchShape(identities=8, tracklets=2, frames=1, share=1),
        BatchShape(identities=2, tracklets=2, frames=4, share=3),
    )
    sampler = PKSampler(world(), settings(*shapes), 0)

    lengths = [sampler.plan(step).shape.frames for step in range(400)]

    assert np.mean(np.array(lengths) == 4) == pytest.approx(0.75, abs=0.07)


def test_an_epoch_shows_each_tracklet_once_on_average() -> None:
    assert PKSampler(world(people=40, cameras=4), settings(), 0).steps_per_epoch == 10


def test_one_identity_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="two identities"):
        PKSampler(world(people=1), settings(), 0)
