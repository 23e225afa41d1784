"""BNNeck and classifier: distances before the batch norm, retrieval and classes after it."""

import torch
from torch import Tensor, nn

from model.network.outputs import HeadOutput


class Head(nn.Module):
    """Batch norm with a frozen bias, then a bias-free classifier with deviation .001.

    Without `identities` there is no classifier and `logits` is None.
    """

    def __init__(self, width: int, identities: int) -> None:
        super().__init__()
        self.neck = nn.BatchNorm1d(width)
        self.neck.bias.requires_grad_(False)
        self.classifier: nn.Linear | None = None
        if identities:
            self.classifier = nn.Linear(width, identities, bias=False)
            nn.init.normal_(self.classifier.weight, std=0.001)

    def forward(self, features: Tensor) -> HeadOutput:
        """features [n, D] -> the same, after the neck, and logits [n, K]."""
        post_bn = self.neck(features)
        logits = None if self.classifier is None else self.classifier(post_bn)
        return HeadOutput(features, post_bn, logits)


def stack_heads(outputs: list[HeadOutput]) -> HeadOutput:
    """P outputs of [n, D] -> one of [n, P, D]."""
    logits = [output.logits for output in outputs if output.logits is not None]
    return HeadOutput(
        torch.stack([output.features for output in outputs], 1),
        torch.stack([output.post_bn for output in outputs], 1),
        torch.stack(logits, 1) if logits else None,
    )


def spread(x: Tensor, mask: Tensor) -> Tensor:
    """Rows of the real frames [n, ...] -> their places in the batch [B, L, ...], zero elsewhere."""
    out = x.new_zeros(*mask.shape, *x.shape[1:])
    out[mask] = x
    return out


def spread_head(output: HeadOutput, mask: Tensor) -> HeadOutput:
    """`spread` for each tensor of a head's output."""
    return HeadOutput(
        spread(output.features, mask),
        spread(output.post_bn, mask),
        None if output.logits is None else spread(output.logits, mask),
    )
