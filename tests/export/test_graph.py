"""One query is all an embedding needs: the inference graph equals the full forward pass."""

import pytest
import torch
from torch import Tensor

from export.graph import InferenceGraph, fold_batch_norms
from model.network.stt_gt import SttGt
from tests.support.networks import mask_of, pictures, tiny_network


def _full(network: SttGt, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    out = network(frames, mask)
    return (
        out.embedding,
        out.temporal.attention,
        out.spatial.attention,
        out.global_.attention,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"temporal_query": "cls"},
        {"global_layers": 3},
        {"layout": "torchvision"},
        {"height": 128, "width": 64},
    ],
    ids=str,
)
def test_equals_the_full_forward_pass(changes: dict[str, object]) -> None:
    network = tiny_network(**changes)
    frames = pictures(3, 5, network.config.height, network.config.width)
    mask = mask_of(5, 2, 1)

    with torch.inference_mode():
        found, expected = InferenceGraph(network)(frames, mask), _full(network, frames, mask)

    for one, other in zip(found, expected, strict=True):
        assert (one - other).abs().max() < 2e-6


def test_does_not_change_with_the_network_afterwards() -> None:
    network = tiny_network()
    graph = InferenceGraph(network)
    frames, mask = pictures(1, 2), mask_of(2)
    before = graph(frames, mask)[0]

    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)

    assert torch.equal(graph(frames, mask)[0], before)


def test_folded_batch_norms_leave_the_features_as_they_are() -> None:
    network = tiny_network()
    pixels = network.normalise(pictures(1, 2)[0])

    folded = fold_batch_norms(network.backbone)

    torch.testing.assert_close(folded(pixels), network.backbone(pixels), rtol=1e-4, atol=1e-4)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())


def test_a_network_without_global_transformer_has_no_inference_graph() -> None:
    with pytest.raises(ValueError, match="global transformer"):
        InferenceGraph(tiny_network(variant="stt"))
