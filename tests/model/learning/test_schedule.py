import pytest
import torch

from model.learning.config import OptimiserSettings
from model.learning.ema import WeightAverage
from model.learning.schedule import make_optimiser, rate_factor, set_rates
from model.network.config import NetworkConfig, preset
from model.network.variants import build_network

PAPER = OptimiserSettings()


def test_the_papers_rate_warms_up_for_200_steps_and_drops_at_epochs_80_and_160() -> None:
    steps = 200 * 100

    assert rate_factor(0, steps, PAPER) == pytest.approx(1 / 200)
    assert rate_factor(99, steps, PAPER) == pytest.approx(0.5)
    assert rate_factor(200, steps, PAPER) == 1
    assert rate_factor(80 * 100 - 1, steps, PAPER) == 1
    assert rate_factor(80 * 100, steps, PAPER) == pytest.approx(0.1)
    assert rate_factor(160 * 100, steps, PAPER) == pytest.approx(0.01)


def test_a_cosine_ends_near_zero() -> None:
    settings = OptimiserSettings(decay="cosine", warmup=0)

    assert rate_factor(0, 100, settings) == 1
    assert rate_factor(50, 100, settings) == pytest.approx(0.5)
    assert rate_factor(99, 100, settings) < 0.001


def test_every_part_of_the_network_has_its_rate() -> None:
    config = NetworkConfig.model_validate(preset("tiny").model_dump() | {"identities": 5})
    network = build_network(config)
    network.backbone.freeze(stages=0, statistics=True)
    settings = OptimiserSettings(rate=1e-3, classifier_rate=5e-3, backbone_factor=0.1)

    optimiser = make_optimiser(network, settings)
    set_rates(optimiser, 0.5)

    rate = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            assert id(parameter) not in rate
        elif name.startswith("backbone."):
            assert rate[id(parameter)] == pytest.approx(5e-5)
        elif ".classifier." in name:
            assert rate[id(parameter)] == pytest.approx(2.5e-3)
        else:
            assert rate[id(parameter)] == pytest.approx(5e-4)
    assert id(network.backbone.conv1.weight) not in rate
    assert all(group["weight_decay"] == 5e-4 for group in optimiser.param_groups)


def test_the_average_follows_slowly_and_forgets_its_start() -> None:
    network = build_network(preset("tiny"))
    average = WeightAverage(network, 0.9)
    parameter = next(network.parameters())
    with torch.no_grad():
        parameter.fill_(0)
    average.update(network, 10**6)
    shadow = next(average.network.parameters())
    before = shadow.clone()
    with torch.no_grad():
        parameter.fill_(1)

    average.update(network, 10**6)

    assert torch.allclose(shadow, before * 0.9 + 0.1)
    for _ in range(200):
        average.update(network, 10**6)
    assert torch.allclose(shadow, torch.ones_like(shadow), atol=1e-4)


def test_early_steps_of_an_average_count_more() -> None:
    network = build_network(preset("tiny"))
    average = WeightAverage(network, 0.999)
    with torch.no_grad():
        next(network.parameters()).fill_(1)

    for step in range(60):
        average.update(network, step)

    assert torch.allclose(next(average.network.parameters()), torch.tensor(1.0), atol=1e-3)
