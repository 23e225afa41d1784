"""The network's contract with the losses: shapes, masks, attention that sums to 1."""

import pytest
import torch
from torch import Tensor

from model.network.config import NetworkConfig, preset
from model.network.stt_gt import SttGt
from model.network.weights import inference_state
from tests.support.networks import lively, mask_of, pictures, tiny_network

B, L, D, K, P, C = 3, 5, 48, 7, 4, 64


def test_gives_the_losses_everything_they_need(network: SttGt, frames: Tensor) -> None:
    out = network.train()(frames)

    assert out.spatial is not None
    assert out.temporal is not None
    assert out.global_ is not None
    shapes = {
        "embedding": (out.embedding, (B, 2 * D)),
        "cnn features": (out.cnn.features, (B, L, C)),
        "cnn logits": (out.cnn.logits, (B, L, K)),
        "spatial token": (out.spatial.token.features, (B, L, D)),
        "spatial logits": (out.spatial.token.logits, (B, L, K)),
        "parts": (out.spatial.parts.features, (B, L, P, D)),
        "part logits": (out.spatial.parts.logits, (B, L, P, K)),
        "spatial attention": (out.spatial.attention, (B, L, 4, 2)),
        "temporal token": (out.temporal.token.features, (B, D)),
        "temporal post-BN": (out.temporal.token.post_bn, (B, D)),
        "temporal frames": (out.temporal.frames, (B, L, D)),
        "temporal attention": (out.temporal.attention, (B, L)),
        "global token": (out.global_.token.features, (B, D)),
        "global logits": (out.global_.token.logits, (B, K)),
        "global attention": (out.global_.attention, (B, L, 4, 2)),
    }
    assert {what: tuple(value.shape) for what, (value, _) in shapes.items()} == {
        what: shape for what, (_, shape) in shapes.items()
    }


def test_every_trainable_parameter_receives_a_gradient(network: SttGt, frames: Tensor) -> None:
    network.train()
    out = network(frames, mask_of(5, 2, 4))
    values = [out.embedding, out.cnn.logits, out.spatial.token.logits, out.spatial.parts.logits]
    values += [out.temporal.token.logits, out.temporal.frames, out.global_.token.logits]

    torch.stack([(value * torch.randn_like(value)).sum() for value in values]).sum().backward()

    silent = [name for name, p in network.named_parameters() if p.requires_grad and p.grad is None]
    assert silent == []


def test_attention_sums_to_one_over_the_real_frames_alone(network: SttGt, frames: Tensor) -> None:
    mask = mask_of(5, 2, 1)

    out = network(frames, mask)

    ones = torch.ones(B)
    torch.testing.assert_close(out.temporal.attention.sum(1), ones)
    torch.testing.assert_close(out.global_.attention.sum((1, 2, 3)), ones)
    torch.testing.assert_close(out.spatial.attention.sum((2, 3)), mask.float())
    assert out.temporal.attention[~mask].abs().max() == 0
    assert out.global_.attention[~mask].abs().max() == 0


@pytest.mark.parametrize("training", [False, True])
def test_what_lies_in_the_padding_changes_nothing(
    network: SttGt, frames: Tensor, training: bool
) -> None:
    """In training too: batch norms must not see padded frames."""
    network.train(training)
    mask = mask_of(5, 2, 4)
    other = torch.where(mask[:, :, None, None, None], frames, 255 - frames)

    first, second = network(frames, mask), network(other, mask)

    assert torch.equal(first.embedding, second.embedding)
    assert torch.equal(first.temporal.frames, second.temporal.frames)
    assert first.spatial.token.features[~mask].abs().max() == 0


def test_a_padded_tracklet_has_the_embedding_it_has_alone(network: SttGt, frames: Tensor) -> None:
    padded = network(frames, mask_of(5, 2, 4))

    for row, n in enumerate((5, 2, 4)):
        alone = network(frames[row : row + 1, :n])
        torch.testing.assert_close(padded.embedding[row], alone.embedding[0])


def test_the_order_of_frames_does_not_matter(network: SttGt, frames: Tensor) -> None:
    """TT and GT have no positional embedding (section 4.2)."""
    torch.testing.assert_close(network(frames).embedding, network(frames.flip(1)).embedding)


def test_the_place_inside_a_frame_does_matter(network: SttGt, frames: Tensor) -> None:
    upside_down = network(frames.flip(2)).spatial.token.features

    assert (network(frames).spatial.token.features - upside_down).abs().max() > 1e-2


def test_takes_floating_pixels_like_bytes(network: SttGt, frames: Tensor) -> None:
    assert torch.equal(network(frames).embedding, network(frames.float()).embedding)


def test_parts_are_horizontal_bands(network: SttGt, frames: Tensor) -> None:
    """One of four rows of patches per part: changing the last rows of tokens changes one part."""
    tokens = torch.randn(2, 8, D)
    changed = tokens.clone()
    changed[:, 6:] += 1
    real = mask_of(1, 1)

    def parts(values: Tensor) -> Tensor:
        attended = network.spatial(values)
        exact = type(attended)(attended.cls, values, attended.attention)
        return network._spatial_output(exact, real).parts.features[:, 0]

    moved = (parts(changed) - parts(tokens)).abs().amax((0, 2))
    assert moved.tolist() == pytest.approx([0, 0, 0, 1])


def test_a_constant_query_cannot_see_the_other_frames_and_the_mean_can() -> None:
    """The ratio of two frames' weights, while the third frame becomes another picture.

    One head: the average over heads would blur what holds for each of them.
    """
    frames = pictures(1, 3)
    other = frames.clone()
    other[0, 2] = torch.arange(32, dtype=torch.uint8)[None, :, None] * 7

    def ratio(network: SttGt, value: Tensor) -> Tensor:
        weights = network(value).temporal.attention[0]
        return weights[0] / weights[1]

    constant, seeing = (
        tiny_network(temporal_query=query, attention_heads=1) for query in ("cls", "cls+mean")
    )
    torch.testing.assert_close(ratio(constant, frames), ratio(constant, other))
    assert abs(ratio(seeing, frames) / ratio(seeing, other) - 1) > 1e-3


def test_the_variant_without_global_transformer_is_half_as_wide(frames: Tensor) -> None:
    out = tiny_network(variant="stt")(frames)

    assert out.global_ is None
    assert out.embedding.shape == (B, D)


def test_positions_follow_other_input_sizes() -> None:
    network = tiny_network(height=128, width=64)

    out = network(pictures(1, 2, 128, 64))

    assert out.spatial.attention.shape == (1, 2, 8, 4)
    assert torch.equal(network.position_tokens(), network.positions.flatten(1).T)


def test_the_papers_network_has_the_papers_size() -> None:
    torch.manual_seed(0)
    network = SttGt(preset("paper")).eval()
    names = inference_state(network).keys()

    parameters = sum(p.numel() for name, p in network.named_parameters() if name in names)
    assert parameters == pytest.approx(40.07e6, rel=2e-4)
    with torch.inference_mode():
        pixels = network.normalise(pictures(1, 1, 256, 128)[0])
        assert network.backbone(pixels).shape == (1, 1024, 16, 8)
        out = network(pictures(1, 2, 256, 128))
    assert out.embedding.shape == (1, 1536)
    assert out.spatial.attention.shape == (1, 2, 8, 4)
    assert out.global_.attention.shape == (1, 2, 8, 4)


def test_learns_two_people_in_a_few_steps(config: NetworkConfig) -> None:
    """The whole network trains: two tracklets that differ in colour are told apart."""
    torch.manual_seed(0)
    network = lively(SttGt(config)).train()
    frames = pictures(4, 2) // 4
    frames[:2, ..., 0] += 120
    labels = torch.tensor([0, 0, 1, 1])
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)

    losses = []
    for _ in range(12):
        loss = torch.nn.functional.cross_entropy(network(frames).global_.token.logits, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())

    assert losses[-1] < 0.5 * losses[0]
