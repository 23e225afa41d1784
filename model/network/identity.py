"""Identity initialisation: the transformers begin as what the CNN already does, averaging.

With random transformers training starts far below the convolutional baseline and spends its time
catching up. Here the patch convolution is a principal-component rotation of the backbone's
features, values and projections are identities, and the MLPs give nothing: every class token is
the average of what it attends to, and the attention is near uniform. Only where the query is the
mean of the tokens do queries and keys compare from the first step on: who is unlike the others of a
tracklet is looked at less, which random matrices do not learn in a few thousand steps.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.network.attention import Attention, Layer, Transformer
from model.network.stt_gt import SttGt

COMPARISON = 0.5
"""Gain of queries and keys that compare: logits of COMPARISON^2 sqrt(D / heads) times a cosine."""


@dataclass(frozen=True)
class PatchBasis:
    """An affine map of averaged features: C channels -> D token entries of unit spread."""

    rotation: Tensor
    """[D, C]"""
    offset: Tensor
    """[D]"""


def patch_basis_from_features(features: Tensor, width: int, seed: int = 0) -> PatchBasis:
    """Principal components of feature maps [n, C, h, w], averaged over 2 x 2 cells.

    The first `width` components (all C of them if there are fewer, zeros after) are rotated at
    random, so that every token entry, and with it every attention head, carries an equal share;
    one common scale makes the mean variance 1.
    """
    pooled = nn.functional.avg_pool2d(features.double(), 2)
    samples = pooled.permute(0, 2, 3, 1).flatten(0, 2)  # [M, C]
    mean = samples.mean(0)
    covariance = torch.cov(samples.T)
    components = torch.linalg.eigh(covariance).eigenvectors.flip(1)[:, :width].T  # [<= D, C]
    padded = components.new_zeros(width, len(mean))
    padded[: len(components)] = components
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(width, width, generator=generator, dtype=torch.float64)
    rotation = torch.linalg.qr(noise).Q.to(padded.device) @ padded
    spread = (rotation @ covariance @ rotation.T).diagonal().mean().sqrt()
    rotation = rotation / spread
    return PatchBasis(rotation.float(), (-rotation @ mean).float())


@torch.no_grad()
def identity_initialise(network: SttGt, patch_basis: PatchBasis) -> None:
    """Set patch convolution and transformers of `network` in place; the backbone stays."""
    cells = network.patch.weight[0, 0].numel()
    network.patch.weight.copy_(patch_basis.rotation[:, :, None, None] / cells)
    assert network.patch.bias is not None
    network.patch.bias.copy_(patch_basis.offset)
    nn.init.zeros_(network.positions)
    for module in network.modules():
        if isinstance(module, Transformer):
            nn.init.zeros_(module.cls)
            if module.mean_query:
                _compare(next(one for one in module.modules() if isinstance(one, Attention)))
        elif isinstance(module, Attention):
            for layer in (module.value, module.projection):
                nn.init.eye_(layer.weight)
                nn.init.zeros_(layer.bias)
        elif isinstance(module, Layer):
            nn.init.zeros_(module.contract.weight)
            nn.init.zeros_(module.contract.bias)


def _compare(attention: Attention) -> None:
    """Add an identity to queries and keys, beside the noise that they were made with."""
    for layer in (attention.query, attention.key):
        layer.weight += COMPARISON * torch.eye(len(layer.weight), device=layer.weight.device)
