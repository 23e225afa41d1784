import numpy as np
import pytest
import torch

from model.learning.batch import Batch
from model.learning.config import AugmentSettings, BatchSettings, BatchShape
from model.learning.loader import BatchMaker, load_batches
from model.learning.sampler import PKSampler
from tests.support.people import HEIGHT, WIDTH, dataset

AUGMENT = AugmentSettings(crop_padding=4, erasing=0.5, patch=0.5, autoaugment=0.5, background=0.5)


def maker(*, frames: int = 4, rank: int = 0, world: int = 1, foreign: float = 0.5) -> BatchMaker:
    train = dataset().train
    shape = BatchShape(identities=4, tracklets=2, frames=frames)
    batch = BatchSettings(shapes=(shape,), environments=1, family_share=0.5, foreign_rate=foreign)
    sampler = PKSampler(train, batch, 0)
    return BatchMaker(train, sampler, AUGMENT, (HEIGHT, WIDTH), seed=0, rank=rank, world=world)


def equal(one: Batch, two: Batch) -> bool:
    return all(
        torch.equal(a, b) for a, b in zip(vars(one).values(), vars(two).values(), strict=True)
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_order_and_do_not_depend_on_workers(workers: int) -> None:
    expected = [maker()[step] for step in range(3, 7)]

    found = list(load_batches(maker(), range(3, 7), workers=workers))

    assert len(found) == 4
    assert all(equal(a, b) for a, b in zip(found, expected, strict=True))


def test_a_batch_says_what_is_real_and_who_is_a_stranger() -> None:
    batch = maker(frames=8, foreign=1)[0]

    assert batch.frames.shape == (8, 8, HEIGHT, WIDTH, 3)
    # The tracklets have six frames: two places are padding.
    assert batch.mask.sum(1).tolist() == [6] * 8
    assert (batch.frames[~batch.mask] == 0).all()
    assert (batch.visible[~batch.mask] == 0).all()
    assert batch.foreign.any(1).all()
    assert (batch.visible[batch.foreign] == 0).all()
    assert (batch.parts[batch.foreign] == 0).all()
    assert batch.known.all()


def test_processes_share_a_batch_without_overlap() -> None:
    whole = maker()[2]

    halves = [maker(rank=rank, world=2)[2] for rank in range(2)]

    assert torch.equal(torch.cat([half.frames for half in halves]), whole.frames)
    assert torch.equal(torch.cat([half.labels for half in halves]), whole.labels)


def test_frames_and_parts_that_show_the_person() -> None:
    batch = maker(frames=4, foreign=1)[1]

    shown = batch.shows_person(0.3)
    parts = batch.shows_part(0.2, shown)

    assert not shown[batch.foreign].any()
    assert parts.shape == (8, 4, 4)
    assert not parts[~shown].any()
    assert np.isclose(batch.visible[shown].min().item(), 0.3) or batch.visible[shown].min() > 0.3
