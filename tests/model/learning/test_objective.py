"""Which tensors each loss looks at, and what its switches do, on a real network."""

from dataclasses import replace

import pytest
import torch

from model.learning import losses
from model.learning.batch import Batch
from model.learning.config import LossSettings, LossWeights
from model.learning.objective import LossMissing, Objective, objective
from model.network.config import NetworkConfig, preset
from model.network.outputs import NetworkOutput
from model.network.variants import build_network, with_structure

B, L = 6, 4
NETWORK = NetworkConfig.model_validate(preset("tiny").model_dump() | {"identities": 3})


def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    mask = torch.ones(B, L, dtype=torch.bool)
    mask[0, 3] = False
    foreign = torch.zeros(B, L, dtype=torch.bool)
    foreign[1, 0] = True
    visible = torch.rand(B, L, generator=generator) * mask * ~foreign
    return Batch(
        frames=torch.randint(0, 256, (B, L, 64, 32, 3), generator=generator, dtype=torch.uint8),
        mask=mask,
        labels=torch.tensor([0, 0, 1, 1, 2, 2]),
        foreign=foreign,
        visible=visible,
        parts=torch.rand(B, L, 4, generator=generator),
        known=torch.ones(B, dtype=torch.bool),
    )


@pytest.fixture(scope="module")
def output() -> NetworkOutput:
    torch.manual_seed(0)
    network = build_network(NETWORK)
    return network(batch().frames, batch().mask)


def alone(output: NetworkOutput, name: str, data: Batch, **settings: bool) -> torch.Tensor:
    """One loss with weight 2, halved again: the weight must scale it."""
    weights = LossWeights.model_validate({name: 2})
    found = _objective(output, data, LossSettings(weights=weights, **settings))  # type: ignore[arg-type]
    assert list(found.parts) == [name]
    assert found.total == found.parts[name]
    return found.total / 2


def _objective(output: NetworkOutput, data: Batch, settings: LossSettings) -> Objective:
    return objective(output, data, settings, lambda x: x)


@pytest.mark.parametrize("name", [n for n in LossWeights.model_fields if "average" not in n])
def test_every_loss_has_its_switch_and_a_gradient(name: str, output: NetworkOutput) -> None:
    loss = alone(output, name, batch())

    assert loss.isfinite()
    assert loss.requires_grad


@pytest.mark.parametrize("name", ["average_xent", "average_triplet", "contrast", "cnn_xent"])
def test_the_baselines_have_theirs(name: str) -> None:
    torch.manual_seed(0)
    network = build_network(with_structure(NETWORK, "cnn-three-stages"))

    loss = alone(network(batch().frames, batch().mask), name, batch())

    assert loss.isfinite()


def test_the_sum_is_weighted(output: NetworkOutput) -> None:
    weights = LossWeights(temporal_xent=0.5, global_xent=2)

    found = _objective(output, batch(), LossSettings(weights=weights))

    parts = [alone(output, name, batch()) for name in ("temporal_xent", "global_xent")]
    assert found.total.item() == pytest.approx(0.5 * parts[0].item() + 2 * parts[1].item())


def test_a_strangers_frame_and_padding_never_carry_the_label(output: NetworkOutput) -> None:
    data = batch()
    own = data.mask & ~data.foreign
    assert output.spatial is not None
    logits = output.spatial.token.logits
    assert logits is not None
    labels = data.labels[:, None].expand(B, L)

    loss = alone(output, "spatial_xent", data)

    assert loss.item() == pytest.approx(losses.cross_entropy(logits, labels, own, 0.1).item())


def test_only_frames_and_parts_that_show_the_person_count(output: NetworkOutput) -> None:
    data = batch()
    shown = data.mask & ~data.foreign & (data.visible > 0.3)
    parts = shown[:, :, None] & (data.parts > 0.2)
    labels = data.labels[:, None].expand(B, L)
    assert output.spatial is not None
    token, part = output.spatial.token.logits, output.spatial.parts.logits
    assert token is not None
    assert part is not None

    frames_loss = alone(output, "spatial_xent", data, only_visible=True)
    parts_loss = alone(output, "spatial_part_xent", data, only_visible=True)

    expected = losses.cross_entropy(token, labels, shown, 0.1)
    assert frames_loss.item() == pytest.approx(expected.item())
    expected = losses.part_cross_entropy(part, labels, parts, 0.1)
    assert parts_loss.item() == pytest.approx(expected.item())


def test_contrast_is_the_mean_over_tt_gt_and_both(output: NetworkOutput) -> None:
    data = batch()
    assert output.temporal is not None
    assert output.global_ is not None
    vectors = (output.temporal.token.post_bn, output.global_.token.post_bn)

    loss = alone(output, "contrast", data)

    terms = [
        losses.supervised_contrast(x, data.labels, 0.1) for x in (*vectors, torch.cat(vectors, 1))
    ]
    assert loss.item() == pytest.approx(sum(t.item() for t in terms) / 3, rel=1e-5)


def test_a_constant_that_all_vectors_share_costs_before_the_norm_and_not_after(
    output: NetworkOutput,
) -> None:
    assert output.temporal is not None
    token = output.temporal.token
    drifted = replace(token, features=token.features + 100)
    collapsed = replace(output, temporal=replace(output.temporal, token=drifted))

    assert alone(collapsed, "contrast", batch()) == alone(output, "contrast", batch())
    assert alone(collapsed, "raw_contrast", batch()) > alone(output, "raw_contrast", batch())


def test_the_hinge_follows_the_target_where_attention_is_supervised(output: NetworkOutput) -> None:
    data = batch()
    assert output.temporal is not None
    target = losses.visibility_target(data.visible, data.foreign, data.mask)
    on_target = replace(output, temporal=replace(output.temporal, attention=target))
    weights = LossWeights(temporal_attention=1, temporal_visibility=1)

    together = _objective(on_target, data, LossSettings(weights=weights))

    assert together.total.item() == pytest.approx(0, abs=1e-5)
    assert alone(on_target, "temporal_attention", data).item() > 0


def test_a_loss_that_the_network_cannot_feed_is_an_error() -> None:
    network = build_network(with_structure(preset("tiny"), "stt"))
    output = network(batch().frames, batch().mask)

    for name in ("global_xent", "global_visibility", "average_triplet", "temporal_xent"):
        with pytest.raises(LossMissing):
            alone(output, name, batch())


def test_no_loss_at_all_is_an_error(output: NetworkOutput) -> None:
    with pytest.raises(LossMissing):
        _objective(output, batch(), LossSettings(weights=LossWeights()))
