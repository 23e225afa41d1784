"""Weights of several trainings, averaged: by how much each counts, and only what fits."""

from pathlib import Path

import pytest
import torch

from export.source import untrained_source
from model.errors import InvalidParameter
from model.learning.averaging import average, averaged
from model.network.config import preset
from model.network.variants import build_network
from model.network.weights import Checkpoint, load_checkpoint, save_weights


def checkpoint(seed: int) -> Checkpoint:
    network = untrained_source("tiny", None, seed).network
    return Checkpoint(network, {"trained": True, "steps": 10 * seed, "recipe": {"seed": seed}})


def test_every_weight_is_the_weighted_mean() -> None:
    found = averaged([checkpoint(1), checkpoint(2)], [3, 1]).network.state_dict()

    first, second = (checkpoint(seed).network.state_dict() for seed in (1, 2))
    for name, tensor in found.items():
        if tensor.is_floating_point():
            expected = 0.75 * first[name].double() + 0.25 * second[name].double()
            torch.testing.assert_close(tensor, expected.float())


def test_the_mean_says_of_which_trainings_it_is() -> None:
    training = averaged([checkpoint(1), checkpoint(2)], [3, 1]).training

    assert training["steps"] == 10
    assert training["share"] == 0.75
    assert training["averaged_with"] == [checkpoint(2).training | {"share": 0.25}]


def test_one_alone_stays_what_it_is() -> None:
    found = averaged([checkpoint(1)], [1.0])

    assert found.training == checkpoint(1).training
    for name, tensor in checkpoint(1).network.state_dict().items():
        torch.testing.assert_close(found.network.state_dict()[name], tensor, rtol=0, atol=0)


def test_other_networks_and_senseless_shares_are_refused() -> None:
    other = preset("tiny").model_copy(update={"global_layers": 1})
    strange = Checkpoint(build_network(other).eval(), {})

    with pytest.raises(InvalidParameter, match="same configuration"):
        averaged([checkpoint(1), strange], [1, 1])
    for shares in ([1.0], [0.0, 0.0], [2.0, -1.0]):
        with pytest.raises(InvalidParameter, match="shares"):
            averaged([checkpoint(1), checkpoint(2)], shares)


def test_the_command_writes_a_file_of_weights(tmp_path: Path) -> None:
    paths = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for seed, path in enumerate(paths):
        save_weights(path, checkpoint(seed).network, checkpoint(seed).training)

    average(checkpoint=paths, out=tmp_path / "mean.safetensors")

    assert load_checkpoint(tmp_path / "mean.safetensors").training["share"] == 0.5
