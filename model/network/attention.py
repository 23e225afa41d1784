"""Pre-norm transformers with a class token (ViT's layer), for ST, TT and GT alike."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, pad, scaled_dot_product_attention

MLP_RATIO = 4
NORM_EPSILON = 1e-6


@dataclass(frozen=True)
class Attended:
    """Result of one transformer over S tokens."""

    cls: Tensor
    """[B, D], after the final norm."""
    tokens: Tensor
    """[B, S, D], after the final norm."""
    attention: Tensor
    """[B, S] float32: the last layer's cls row, averaged over heads, without its cls column."""


class Attention(nn.Module):
    """Multi-head attention that also tells where its first query looked."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        # A key bias adds the same to all logits of a query, which the softmax cancels.
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.projection = nn.Linear(width, width)

    def forward(self, queries: Tensor, x: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        """Queries and keys [B, S, D], valid bool [B, S] -> [B, S, D] and first row [B, S]."""
        q, k, v = (
            self._split(layer(source))  # [B, heads, S, d]
            for layer, source in ((self.query, queries), (self.key, x), (self.value, x))
        )
        mask = None if valid is None else valid[:, None, None]  # [B, 1, 1, S]
        mixed = scaled_dot_product_attention(q, k, v, attn_mask=mask)
        out: Tensor = self.projection(mixed.transpose(1, 2).flatten(2))
        return out, self._first_row(q, k, mask)

    def _split(self, x: Tensor) -> Tensor:
        B, S, D = x.shape
        return x.view(B, S, self.heads, D // self.heads).transpose(1, 2)

    @staticmethod
    def _first_row(q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
        """The first query's weights, averaged over heads: [B, S] float32.

        Computed apart so that the fused kernel, which keeps no weights, can do the rest.
        """
        logits: Tensor = (q[:, :, :1] @ k.transpose(2, 3)).float() / k.shape[3] ** 0.5
        if mask is not None:
            logits = logits.masked_fill(~mask, -torch.inf)
        return logits.softmax(3).mean(1)[:, 0]


class Layer(nn.Module):
    """x + Attention(norm(x)), then x + MLP(norm(x))."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, NORM_EPSILON)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, NORM_EPSILON)
        self.expand = nn.Linear(width, MLP_RATIO * width)
        self.contract = nn.Linear(MLP_RATIO * width, width)

    def forward(
        self, x: Tensor, valid: Tensor | None, query: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """[B, S, D] -> [B, S, D] and the first row [B, S].

        `query` [B, 1, D] asks in the place of the first token; residual and key stay its own.
        """
        normed = self.norm1(x)
        queries = normed
        if query is not None:
            queries = torch.cat((self.norm1(query), normed[:, 1:]), 1)
        mixed, row = self.attention(queries, normed, valid)
        x = x + mixed
        return x + self.contract(gelu(self.expand(self.norm2(x)))), row


class Transformer(nn.Module):
    """A class token before the given tokens, some layers, a final norm.

    With `mean_query` the class token of the first layer asks with cls + mean of the valid tokens:
    a constant query can only see what a token is, never that it differs from the others.
    """

    def __init__(self, width: int, heads: int, layers: int, *, mean_query: bool = False) -> None:
        super().__init__()
        self.mean_query = mean_query
        self.cls = nn.Parameter(torch.empty(width))
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width, NORM_EPSILON)
        nn.init.trunc_normal_(self.cls, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, tokens: Tensor, valid: Tensor | None = None) -> Attended:
        """tokens [B, S, D], valid bool [B, S] (None: all) -> `Attended`."""
        cls = self.cls.expand(len(tokens), 1, -1)
        query = cls + masked_mean(tokens, valid)[:, None] if self.mean_query else None
        keys = None if valid is None else pad(valid, (1, 0), value=True)  # [B, 1 + S]
        x = torch.cat((cls, tokens), 1)  # [B, 1 + S, D]
        row = tokens
        for layer in self.layers:
            x, row = layer(x, keys, query)
            query = None
        x = self.norm(x)
        return Attended(x[:, 0], x[:, 1:], renormalise(row[:, 1:]))


def masked_mean(tokens: Tensor, valid: Tensor | None) -> Tensor:
    """Mean over the valid ones of tokens [B, S, D] -> [B, D]."""
    if valid is None:
        return tokens.mean(1)
    weight = valid.to(tokens.dtype)[:, :, None]  # [B, S, 1]
    return (tokens * weight).sum(1) / weight.sum(1)


def renormalise(weights: Tensor) -> Tensor:
    """Attention [B, S] without its cls column -> the same, summing to 1."""
    return weights / weights.sum(1, keepdim=True)
