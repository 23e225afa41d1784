"""What one forward pass gives to the losses.

Entries of padded frames are zero everywhere; `NetworkOutput.mask` says which those are. Padding
never enters a mean, an attention weight or a batch statistic.
"""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class HeadOutput:
    """Features on their way into one classifier; `*` stands for the leading axes."""

    features: Tensor
    """[*, D] before the BNNeck: distances are measured here in training."""
    post_bn: Tensor
    """[*, D] after the BNNeck: what retrieval uses, not normalised."""
    logits: Tensor | None
    """[*, K]; None in a network without classifiers."""


@dataclass(frozen=True)
class SpatialOutput:
    """Of the spatial transformer, per frame (section 3.3.1)."""

    token: HeadOutput
    """The spatial token: [B, L, D]."""
    parts: HeadOutput
    """Output patch tokens averaged in horizontal groups: [B, L, P, D]."""
    attention: Tensor
    """[B, L, rows, columns], sums to 1 over a real frame."""


@dataclass(frozen=True)
class TemporalOutput:
    """Of the temporal transformer, per tracklet (section 3.3.2)."""

    token: HeadOutput
    """The temporal token: [B, D]."""
    frames: Tensor
    """Output token of each frame: [B, L, D]."""
    attention: Tensor
    """[B, L] float32, cls row averaged over heads without its cls column, sums to 1."""


@dataclass(frozen=True)
class GlobalOutput:
    """Of the global transformer, per tracklet (section 3.4)."""

    token: HeadOutput
    """The global token: [B, D]."""
    attention: Tensor
    """[B, L, rows, columns] float32, sums to 1 over a tracklet; sum the last two for frames."""


@dataclass(frozen=True)
class NetworkOutput:
    """Everything the losses of a variant may ask for; what the variant lacks is None."""

    embedding: Tensor
    """[B, E] float32 of unit length: the post-BN vectors, concatenated."""
    mask: Tensor
    """bool [B, L], True = a real frame."""
    cnn: HeadOutput
    """Average of each frame's feature map: [B, L, C]."""
    average: HeadOutput | None = None
    """CNN variants: average over the tracklet's frames, [B, C]."""
    spatial: SpatialOutput | None = None
    temporal: TemporalOutput | None = None
    global_: GlobalOutput | None = None
