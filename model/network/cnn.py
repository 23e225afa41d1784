"""The convolutional baselines: average over pixels, then over frames (the paper's table 1)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from model.network.attention import masked_mean
from model.network.backbone import Backbone
from model.network.config import PIXEL_STATISTICS, NetworkConfig
from model.network.heads import Head, spread, spread_head
from model.network.outputs import NetworkOutput


class CnnBaseline(nn.Module):
    """All stages of `config.depths`, averaged: four are the paper's baseline, three ours.

    The interface is that of `SttGt`.
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        mean, std = PIXEL_STATISTICS[config.layout]
        self.register_buffer("pixel_mean", torch.tensor(mean))
        self.register_buffer("pixel_std", torch.tensor(std))
        self.backbone = Backbone(config.stem_width, config.depths, config.layout)
        self.cnn_head = Head(config.feature_channels, config.identities)
        self.average_head = Head(config.feature_channels, config.identities)

    def forward(self, frames: Tensor, mask: Tensor | None = None) -> NetworkOutput:
        """RGB frames in 0..255, uint8 or float [B, L, H, W, 3]; mask bool [B, L], True = real."""
        real = frames.new_ones(frames.shape[:2], dtype=torch.bool) if mask is None else mask
        pixels = (frames[real].to(self.pixel_mean.dtype) - self.pixel_mean) / self.pixel_std
        features = self.backbone(pixels.permute(0, 3, 1, 2)).mean((2, 3))  # [n, C]
        average = self.average_head(masked_mean(spread(features, real), real))  # [B, C]
        return NetworkOutput(
            embedding=normalize(average.post_bn.float()),
            mask=real,
            cnn=spread_head(self.cnn_head(features), real),
            average=average,
        )
