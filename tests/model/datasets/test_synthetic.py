from pathlib import Path

import numpy as np
import pytest

from model.datasets.synthetic import read_synthetic
from model.decode import decode_image
from model.limits import DecodeLimits
from model.synthetic import Kind, preset, synthesise


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("worlds") / "k1"
    synthesise(preset("tiny", seed=3, kind=Kind.K1), folder)
    return folder


def test_a_world_knows_what_its_frames_show(world: Path) -> None:
    tracklet = read_synthetic(world).train[0]

    frame = decode_image(tracklet.frames.read(0), DecodeLimits())

    assert frame.shape == (128, 64, 3)
    assert tracklet.family is not None
    assert tracklet.truth is not None
    assert tracklet.truth.visible.shape == (len(tracklet.frames),)
    assert tracklet.truth.foreign.dtype == np.bool_
    assert tracklet.truth.person(0).shape == (16, 8)


def test_families_are_held_out_as_a_whole(world: Path) -> None:
    data = read_synthetic(world)
    held_out = data.protocols[0]

    trained, tested = ({t.identity for t in half} for half in (data.train, held_out.query))
    families = ({t.family for t in half} for half in (data.train, held_out.query))
    assert len(tested) >= 2
    assert not trained & tested
    assert not set.intersection(*families)


def test_other_kinds_than_the_training_kind_test_on_everybody(world: Path) -> None:
    data = read_synthetic(world)

    assert data.protocols[-1].name == "synthetic K1, all people"
    assert len({t.identity for t in data.protocols[-1].query}) == 8


def test_the_training_kind_tests_only_on_held_out_people(tmp_path: Path) -> None:
    config = preset("tiny", seed=1, tracklets_per_identity=1, frames_per_tracklet=1)
    synthesise(config, tmp_path / "k0")

    names = [protocol.name for protocol in read_synthetic(tmp_path / "k0").protocols]

    assert names == ["synthetic K0, held-out people"]
