"""The network's configuration: structure only. Losses and recipes are the trainer's."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Layout = Literal["torchvision", "caffe"]
Variant = Literal["stt-gt", "stt", "cnn"]
TemporalQuery = Literal["cls", "cls+mean"]
PresetName = Literal["paper", "full", "small", "tiny"]

PARTS = 4
"""Horizontal part groups of the spatial constraint (the paper's P)."""
STORED_GRID = (8, 4)
"""Rows and columns at which positional embeddings are stored, whatever the input size."""
PATCH = 2
"""Side and stride of the patch embedding, in cells of the feature map."""

PIXEL_STATISTICS: dict[Layout, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "torchvision": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "caffe": ((123.15, 115.90, 103.06), (1.0, 1.0, 1.0)),
}
"""Mean and deviation of RGB in 0..255 that each family of ImageNet weights was trained with."""


class NetworkConfig(BaseModel):
    """Everything that decides shapes and arithmetic of a network; frozen, stored with weights.

    Raises pydantic's `ValidationError` where the parts do not fit together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    variant: Variant = "stt-gt"
    layout: Layout = "torchvision"
    height: int = Field(256, gt=0)
    width: int = Field(128, gt=0)
    stem_width: int = Field(64, gt=0)
    depths: tuple[int, ...] = Field((3, 4, 6), min_length=1, max_length=4)
    """Bottleneck blocks of each stage; stage i has stem_width * 2**i planes, four times as wide."""
    token_width: int = Field(768, gt=0)
    attention_heads: int = Field(6, gt=0)
    global_layers: int = Field(2, gt=0)
    temporal_query: TemporalQuery = "cls"
    identities: int = Field(0, ge=0)
    """Classes of every classifier; 0 builds the network without classifiers."""

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.token_width % self.attention_heads:
            raise ValueError(f"{self.attention_heads} heads do not divide {self.token_width}")
        step = self.stride * (1 if self.variant == "cnn" else PATCH)
        if self.height % step or self.width % step:
            raise ValueError(f"frames must be multiples of {step} pixels high and wide")
        if self.variant != "cnn" and self.grid[0] % PARTS:
            raise ValueError(f"{self.grid[0]} rows of patches do not split into {PARTS} parts")
        return self

    @property
    def stride(self) -> int:
        """Pixels per cell of the feature map: 4 for the stem, doubled by every later stage."""
        return 4 << (len(self.depths) - 1)

    @property
    def feature_channels(self) -> int:
        """Channels of the last stage's feature map."""
        return self.stem_width * 4 << (len(self.depths) - 1)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches per frame."""
        return self.height // self.stride // PATCH, self.width // self.stride // PATCH

    @property
    def embedding_width(self) -> int:
        """Width of the tracklet's embedding: GT doubles it (section 3.4)."""
        widths = {
            "cnn": self.feature_channels,
            "stt": self.token_width,
            "stt-gt": 2 * self.token_width,
        }
        return widths[self.variant]


def preset(name: PresetName) -> NetworkConfig:
    """A named configuration.

    `paper` is section 4.2 number by number; `full` has its size, the Caffe layout and a temporal
    query that sees the other frames; `small` keeps only the ImageNet stages 1 and 2 and embeds
    several times as fast; `tiny` trains in seconds on a CPU and is for tests.
    """
    presets = {
        "paper": NetworkConfig(),
        "full": NetworkConfig(layout="caffe", temporal_query="cls+mean"),
        "small": NetworkConfig(
            layout="caffe",
            height=128,
            width=64,
            depths=(3, 4),
            token_width=192,
            temporal_query="cls+mean",
        ),
        "tiny": NetworkConfig(
            layout="caffe",
            height=64,
            width=32,
            stem_width=8,
            depths=(1, 1),
            token_width=48,
            temporal_query="cls+mean",
        ),
    }
    return presets[name]
