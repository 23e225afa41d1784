"""The inference graph: the network's arithmetic with only the class outputs computed.

An embedding needs nothing but the class token of each transformer's last layer, so that layer
asks one query instead of S. For one head of width d, with q the query, x_j the normed tokens and
W_k, W_v [D, d] the head's slices:

    logit_j = q . (W_k^T x_j) = (W_k q) . x_j
    output  = sum_j a_j (W_v^T x_j + b_v) = W_v^T (sum_j a_j x_j) + b_v

The key projection moves onto the query (u = W_k q, one vector per head), and because the weights
sum to 1 the tokens are pooled before the value projection. Both are exact. Per token 2 * heads * D
multiplications remain of 12 * D * D, and the attention is there for the API to return.

The backbone's batch norms are folded into its convolutions. Matrices are stored [in, out], so that
the exported file multiplies by them as they are and `model.network.rebuild` finds them by name.
"""

import copy
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize
from torch.nn.utils.fusion import fuse_conv_bn_eval

from model.network.attention import Layer, Transformer, masked_mean, renormalise
from model.network.backbone import Backbone, Bottleneck
from model.network.stt_gt import SttGt


class Affine(nn.Module):
    """x @ weight + bias with weight [in, out]; keys have no bias."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = nn.Parameter(linear.weight.detach().T.contiguous())
        self.bias = None if linear.bias is None else nn.Parameter(linear.bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


class InferenceLayer(nn.Module):
    """Weights of one transformer layer and the MLP that both of its uses share."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.heads = layer.attention.heads
        self.norm1 = copy.deepcopy(layer.norm1)
        self.query = Affine(layer.attention.query)
        self.key = Affine(layer.attention.key)
        self.value = Affine(layer.attention.value)
        self.projection = Affine(layer.attention.projection)
        self.norm2 = copy.deepcopy(layer.norm2)
        self.expand = Affine(layer.expand)
        self.contract = Affine(layer.contract)

    def add_mlp(self, x: Tensor) -> Tensor:
        return x + cast("Tensor", self.contract(gelu(self.expand(self.norm2(x)))))


class FullLayer(InferenceLayer):
    """Every token asks: [B, S, D], bias [B, 1, S] -> [B, S, D]."""

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        normed = self.norm1(x)
        q, k, v = (
            self._split(affine(normed)) for affine in (self.query, self.key, self.value)
        )  # [B, heads, S, d]
        logits = (q * q.shape[3] ** -0.5) @ k.transpose(2, 3)  # [B, heads, S, S]
        if bias is not None:
            logits = logits + bias[:, None]
        mixed = logits.softmax(3) @ v
        return self.add_mlp(x + self.projection(mixed.transpose(1, 2).flatten(2)))

    def _split(self, x: Tensor) -> Tensor:
        B, S, D = x.shape
        return x.view(B, S, self.heads, D // self.heads).transpose(1, 2)


class ClsLayer(InferenceLayer):
    """Only the class token asks: see the module's docstring for the algebra."""

    def forward(self, x: Tensor, query: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        """x [B, S, D], query [B or 1, D], bias [B, 1, S] -> class token [B, D], weights [B, S]."""
        D, H = x.shape[2], self.heads
        d = D // H
        normed = self.norm1(x)
        q = self.query(self.norm1(query)).view(-1, H, 1, d) * d**-0.5
        u = (q @ self.key.weight.view(D, H, d).permute(1, 2, 0))[:, :, 0]  # [B or 1, H, D]
        logits = (normed @ u.transpose(1, 2)).transpose(1, 2)  # [B, H, S]
        if bias is not None:
            logits = logits + bias
        weights = logits.softmax(2)
        pooled = (weights @ normed)[:, :, None]  # [B, H, 1, D]
        mixed = pooled @ self.value.weight.view(D, H, d).permute(1, 0, 2)  # [B, H, 1, d]
        cls = x[:, 0] + self.projection(mixed.flatten(1) + self.value.bias)
        return self.add_mlp(cls), weights.float().mean(1)


class ClsTransformer(nn.Module):
    """A `Transformer` that computes its class token and where that looked, nothing else."""

    def __init__(self, transformer: Transformer) -> None:
        super().__init__()
        self.mean_query = transformer.mean_query
        self.cls = nn.Parameter(transformer.cls.detach().clone())
        layers = [cast("Layer", layer) for layer in transformer.layers]
        self.layers = nn.ModuleList(
            [*(FullLayer(layer) for layer in layers[:-1]), ClsLayer(layers[-1])]
        )
        self.norm = copy.deepcopy(transformer.norm)

    def forward(self, tokens: Tensor, valid: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """tokens [B, S, D], valid bool [B, S] -> class token [B, D], attention [B, S] float32."""
        cls = self.cls[None]  # [1, D]
        x = torch.cat((cls.expand(tokens.shape[0], 1, -1), tokens), 1)  # [B, 1 + S, D]
        bias = None if valid is None else self._bias(valid, x.dtype)
        for layer in self.layers[:-1]:
            x = layer(x, bias)
        # A constant class token asks one query for all; later layers' differ per tracklet.
        query = cls if len(self.layers) == 1 else x[:, 0]
        if self.mean_query:
            query = query + masked_mean(tokens, valid)
        token, weights = self.layers[-1](x, query, bias)
        return self.norm(token), renormalise(weights[:, 1:])

    @staticmethod
    def _bias(valid: Tensor, dtype: torch.dtype) -> Tensor:
        """bool [B, S] -> 0 or -inf, [B, 1, 1 + S]; the class token is always valid."""
        keys = torch.cat((torch.ones_like(valid[:, :1]), valid), 1)
        nothing = torch.zeros((), dtype=dtype)
        return torch.where(keys, nothing, torch.full_like(nothing, -torch.inf))[:, None]


class Neck(nn.Module):
    """A BNNeck in evaluation, as the affine map it is; float32 whatever the graph computes in."""

    weight: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, norm: nn.BatchNorm1d) -> None:
        super().__init__()
        self.eps = norm.eps
        for name in ("weight", "running_mean", "running_var"):
            self.register_buffer(name, getattr(norm, name).detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight * torch.rsqrt(self.running_var + self.eps)
        return (x.float() - self.running_mean) * scale


class InferenceGraph(nn.Module):
    """What `model.onnx` computes; built from a network, independent of it afterwards."""

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, network: SttGt) -> None:
        """Raises `ValueError` for a network without a global transformer."""
        super().__init__()
        if network.global_ is None or network.global_head is None:
            raise ValueError("only a network with a global transformer has an inference graph")
        self.config = network.config
        self.register_buffer("pixel_mean", network.pixel_mean.clone())
        self.register_buffer("pixel_std", network.pixel_std.clone())
        self.backbone = fold_batch_norms(network.backbone)
        self.patch = copy.deepcopy(network.patch)
        self.position_tokens = nn.Parameter(network.position_tokens().detach().clone())
        self.spatial = ClsTransformer(network.spatial)
        self.temporal = ClsTransformer(network.temporal)
        self.global_ = ClsTransformer(network.global_)
        self.temporal_neck = Neck(network.temporal_head.neck)
        self.global_neck = Neck(network.global_head.neck)
        self.eval().requires_grad_(False)

    def forward(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """frames uint8 [B, L, H, W, 3] RGB, mask bool [B, L] (True = a real frame) ->

        embedding [B, 2 D] of unit length; attention over frames [B, L], over a frame's patches
        [B, L, rows, columns], over all patches [B, L, rows, columns]. All float32, 0 at padding.
        """
        B, L = mask.shape
        rows, columns = self.config.grid
        features = self.backbone(self.normalise(frames.flatten(0, 1)))  # [B * L, C, h, w]
        patches = self.patch(features).flatten(2).transpose(1, 2)  # [B * L, N, D]
        N, D = patches.shape[1:]
        frame_tokens, inside = self.spatial(patches + self.position_tokens)  # [B * L, D], [.., N]
        temporal, over_frames = self.temporal(frame_tokens.view(B, L, D), mask)  # [B, D], [B, L]
        seen = mask[:, :, None].expand(B, L, N).reshape(B, L * N)
        global_, everywhere = self.global_(patches.reshape(B, L * N, D), seen)
        vectors = torch.cat((self.temporal_neck(temporal), self.global_neck(global_)), 1)
        return (
            normalize(vectors),
            over_frames,
            inside.view(B, L, rows, columns) * mask[:, :, None, None],
            everywhere.view(B, L, rows, columns),
        )

    def normalise(self, frames: Tensor) -> Tensor:
        """RGB 0..255 [n, H, W, 3] -> [n, 3, H, W] as the backbone's weights expect."""
        # Bytes are moved before they become floats, and channels are subtracted plane by plane:
        # three times faster in ONNX Runtime than the other way round.
        pixels = frames.permute(0, 3, 1, 2).to(self.pixel_mean.dtype)
        pixels = pixels - self.pixel_mean[:, None, None]
        if self.config.layout == "torchvision":
            pixels = pixels / self.pixel_std[:, None, None]
        return pixels

    def in_half_precision(self) -> "InferenceGraph":
        """This graph with float16 arithmetic up to the necks, and float32 outputs."""
        self.half()
        self.temporal_neck.float()
        self.global_neck.float()
        return self


def fold_batch_norms(backbone: Backbone) -> Backbone:
    """A copy of the backbone whose convolutions have absorbed their batch norms, exactly.

    Convolutions keep their names and gain a bias; where batch norms were is nothing.
    """
    folded = copy.deepcopy(backbone).eval()
    _fold(folded, "conv1", "bn1")
    for block in folded.modules():
        if isinstance(block, Bottleneck):
            for i in (1, 2, 3):
                _fold(block, f"conv{i}", f"bn{i}")
            if block.downsample is not None:
                _fold(block.downsample, "0", "1")
    return folded


def _fold(owner: nn.Module, convolution: str, norm: str) -> None:
    conv = cast("nn.Conv2d", owner.get_submodule(convolution))
    batch_norm = cast("nn.BatchNorm2d", owner.get_submodule(norm))
    setattr(owner, convolution, fuse_conv_bn_eval(conv, batch_norm))
    setattr(owner, norm, nn.Identity())
