"""STT + GT: the whole network on one page (Zhang et al. 2021, section 3 and figure 2)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from model.network.attention import Attended, Transformer
from model.network.backbone import Backbone
from model.network.config import PARTS, PATCH, PIXEL_STATISTICS, STORED_GRID, NetworkConfig
from model.network.heads import Head, spread, spread_head, stack_heads
from model.network.outputs import GlobalOutput, NetworkOutput, SpatialOutput, TemporalOutput


class SttGt(nn.Module):
    """Tracklets -> embeddings and all that the losses of sections 3.3 and 3.4 need.

    The variant `stt` is the same without the global transformer. What the paper leaves open is
    decided here: ST and GT share the patch convolution, every transformer ends in a LayerNorm
    (tokens have a norm near sqrt(D)), no dropout, BNNeck before every classifier.
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        C, D, K = config.feature_channels, config.token_width, config.identities
        mean, std = PIXEL_STATISTICS[config.layout]
        self.register_buffer("pixel_mean", torch.tensor(mean))
        self.register_buffer("pixel_std", torch.tensor(std))
        self.backbone = Backbone(config.stem_width, config.depths, config.layout)
        self.patch = nn.Conv2d(C, D, PATCH, PATCH)
        self.positions = nn.Parameter(torch.empty(D, *STORED_GRID))
        nn.init.trunc_normal_(self.positions, std=0.02)

        heads, mean_query = config.attention_heads, config.temporal_query == "cls+mean"
        self.spatial = Transformer(D, heads, layers=1)
        self.temporal = Transformer(D, heads, layers=1, mean_query=mean_query)
        self.global_: Transformer | None = None
        if config.variant == "stt-gt":
            self.global_ = Transformer(D, heads, layers=config.global_layers)

        self.cnn_head = Head(C, K)
        self.spatial_head = Head(D, K)
        self.part_heads = nn.ModuleList(Head(D, K) for _ in range(PARTS))
        self.temporal_head = Head(D, K)
        self.global_head = None if self.global_ is None else Head(D, K)

    def forward(self, frames: Tensor, mask: Tensor | None = None) -> NetworkOutput:
        """RGB frames in 0..255, uint8 or float [B, L, H, W, 3]; mask bool [B, L], True = real.

        Every tracklet needs one real frame. Padded frames are not computed at all, so that they
        cannot reach a batch norm.
        """
        whole = mask is None
        real = frames.new_ones(frames.shape[:2], dtype=torch.bool) if mask is None else mask
        valid = None if whole else real
        frames = frames.flatten(0, 1) if whole else frames[real]  # [n, H, W, 3]

        features = self.backbone(self.normalise(frames))  # [n, C, h, w]
        patches = self.patch(features).flatten(2).transpose(1, 2)  # [n, N, D]
        spatial = self.spatial(patches + self.position_tokens())  # per frame: [n, D], [n, N, D]
        temporal = self.temporal(spread(spatial.cls, real), valid)  # over frames: [B, D], [B, L, D]
        temporal_token = self.temporal_head(temporal.cls)
        vectors = [temporal_token.post_bn]

        global_ = None
        if self.global_ is not None and self.global_head is not None:
            everywhere = spread(patches, real).flatten(1, 2)  # [B, L * N, D], without positions
            N = patches.shape[1]
            seen = None if valid is None else valid.repeat_interleave(N, 1)  # [B, L * N]
            attended = self.global_(everywhere, seen)
            global_token = self.global_head(attended.cls)
            maps = attended.attention.view(*real.shape, *self.config.grid)
            global_ = GlobalOutput(global_token, maps)
            vectors.append(global_token.post_bn)

        return NetworkOutput(
            embedding=normalize(torch.cat(vectors, 1).float()),  # [B, 2 D]
            mask=real,
            cnn=spread_head(self.cnn_head(features.mean((2, 3))), real),
            spatial=self._spatial_output(spatial, real),
            temporal=TemporalOutput(
                token=temporal_token,
                frames=temporal.tokens * real[:, :, None],
                attention=temporal.attention,
            ),
            global_=global_,
        )

    def normalise(self, frames: Tensor) -> Tensor:
        """RGB 0..255 [n, H, W, 3] -> [n, 3, H, W] as the backbone's weights expect."""
        return ((frames.to(self.pixel_mean.dtype) - self.pixel_mean) / self.pixel_std).permute(
            0, 3, 1, 2
        )

    def position_tokens(self) -> Tensor:
        """Positional embeddings at this input size: [N, D], resized bicubically from 8 x 4."""
        positions: Tensor = self.positions
        if self.config.grid != STORED_GRID:
            positions = interpolate(
                positions[None], self.config.grid, mode="bicubic", align_corners=False
            )[0]
        return positions.flatten(1).T

    def _spatial_output(self, spatial: Attended, real: Tensor) -> SpatialOutput:
        token = self.spatial_head(spatial.cls)
        n, N, D = spatial.tokens.shape
        # [n, N, D] -> [n, P, rows / P * columns, D]: patches are row-major, so groups are bands.
        parts = spatial.tokens.reshape(n, PARTS, N // PARTS, D).mean(2)  # [n, P, D]
        heads = [head(parts[:, p]) for p, head in enumerate(self.part_heads)]
        attention = spatial.attention.view(n, *self.config.grid)  # [n, rows, columns]
        return SpatialOutput(
            token=spread_head(token, real),
            parts=spread_head(stack_heads(heads), real),
            attention=spread(attention, real),
        )
