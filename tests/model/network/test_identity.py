"""Identity initialisation: the transformers begin by averaging what the CNN sees."""

import torch

from model.network.config import NetworkConfig
from model.network.identity import identity_initialise, patch_basis_from_features
from model.network.stt_gt import SttGt
from tests.support.networks import pictures


def test_the_basis_is_a_scaled_rotation_of_unit_spread() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(40, 12, 4, 2, generator=generator) * torch.arange(1, 13)[:, None, None]

    basis = patch_basis_from_features(features, 8)

    pooled = torch.nn.functional.avg_pool2d(features, 2).permute(0, 2, 3, 1).flatten(0, 2)
    tokens = pooled @ basis.rotation.T + basis.offset
    assert tokens.mean(0).abs().max() < 1e-4
    assert torch.isclose(tokens.var(0).mean(), torch.tensor(1.0), atol=1e-3)
    gram = basis.rotation @ basis.rotation.T
    assert torch.allclose(gram / gram[0, 0], torch.eye(8), atol=1e-4)


def test_the_basis_keeps_the_strongest_directions() -> None:
    features = torch.randn(200, 6, 2, 2, generator=torch.Generator().manual_seed(0))
    features[:, 2:] *= 1e-3

    rotation = patch_basis_from_features(features, 2).rotation

    assert rotation[:, 2:].abs().max() < 1e-2 * rotation[:, :2].abs().max()


def test_class_tokens_begin_as_averages_of_what_they_see(network: SttGt) -> None:
    frames = pictures(2, 3)
    with torch.no_grad():
        features = network.backbone(network.normalise(frames.flatten(0, 1)))
        identity_initialise(network, patch_basis_from_features(features, 48))
        for layer in network.spatial.layers:  # this test gave the norms random gains
            torch.nn.init.ones_(layer.norm1.weight)
            torch.nn.init.zeros_(layer.norm1.bias)
            torch.nn.init.zeros_(layer.attention.query.bias)
        tokens = torch.randn(4, 8, 48)

        found = network.spatial(tokens)

    normed = torch.nn.functional.layer_norm(tokens, (48,), eps=1e-6)
    # The class token, zero, takes part in its own average.
    expected = network.spatial.norm(normed.sum(1) / 9)
    torch.testing.assert_close(found.cls, expected)
    assert (found.attention - 1 / 8).abs().max() < 1e-6


def test_a_network_narrower_in_features_than_in_tokens_works() -> None:
    basis = patch_basis_from_features(torch.randn(9, 4, 2, 2), 6)

    assert basis.rotation.shape == (6, 4)
    assert basis.rotation.isfinite().all()


def test_the_mean_query_looks_less_at_who_is_unlike_the_others_from_the_first_step(
    config: NetworkConfig,
) -> None:
    torch.manual_seed(0)
    network = SttGt(config)
    assert network.temporal.mean_query
    with torch.no_grad():
        features = network.backbone(network.normalise(pictures(2, 3).flatten(0, 1)))
        identity_initialise(network, patch_basis_from_features(features, 48))
        person, stranger = torch.randn(2, 48, generator=torch.Generator().manual_seed(0))
        tokens = person + 0.1 * torch.randn(1, 4, 48, generator=torch.Generator().manual_seed(1))
        tokens[0, 2] = stranger

        (weights,) = network.temporal(tokens).attention

    others = weights[[0, 1, 3]]
    assert weights[2] < 0.7 * others.min()
    assert others.max() < 1.2 * others.min()
