"""One recipe for training, typed and frozen; `presets` holds the named ones.

Weights of 0 switch a loss off. Everything that changes the numbers of a run is in here, and the
whole of it is stored with the weights.
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from model.network.config import NetworkConfig


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LossWeights(_Frozen):
    """One weight per loss; those below the line go past the paper."""

    cnn_xent: float = Field(0, ge=0)
    """Cross entropy of the averaged feature map of each frame ("to stabilise training")."""
    spatial_xent: float = Field(0, ge=0)
    spatial_part_xent: float = Field(0, ge=0)
    """Eq. 3."""
    temporal_xent: float = Field(0, ge=0)
    """Missing from eq. 6, named in the text above it."""
    temporal_triplet: float = Field(0, ge=0)
    """Eq. 2 on TT's frame tokens."""
    temporal_attention: float = Field(0, ge=0)
    """Eq. 5."""
    global_xent: float = Field(0, ge=0)
    average_xent: float = Field(0, ge=0)
    """The convolutional baselines' tracklet average."""
    average_triplet: float = Field(0, ge=0)

    contrast: float = Field(0, ge=0)
    """Supervised contrast of the tracklet's vectors: TT, GT and both, or the CNN's average."""
    raw_contrast: float = Field(0, ge=0)
    """The same of TT and GT before the batch norm, which forgives what all vectors share: without
    it a token can become one constant beside which a person is lost in rounding."""
    frame_contrast: float = Field(0, ge=0)
    """Supervised contrast of the spatial tokens of frames, before the batch norm."""
    part_contrast: float = Field(0, ge=0)
    """Supervised contrast of each part's tokens of frames."""
    temporal_visibility: float = Field(0, ge=0)
    """KL from the visible share of each frame to TT's attention."""
    global_visibility: float = Field(0, ge=0)
    """The same for GT's attention, summed over each frame."""

    @property
    def classify(self) -> bool:
        """Whether any loss needs classifiers."""
        return any(value for name, value in self if name.endswith("xent"))


class LossSettings(_Frozen):
    weights: LossWeights
    smoothing: float = Field(0.1, ge=0, lt=1)
    margin: float = Field(0.3, ge=0)
    temperature: float = Field(0.1, gt=0)
    only_visible: bool = False
    """Count in losses of frames and parts only those that show the person, where known."""
    visible_frame: float = 0.3
    visible_part: float = 0.2


class BatchShape(_Frozen):
    """P identities x K tracklets x L frames, and the share of steps that have this shape."""

    identities: int = Field(gt=0)
    tracklets: int = Field(gt=0)
    frames: int = Field(gt=0)
    share: float = Field(1.0, gt=0)

    @property
    def size(self) -> int:
        """Tracklets of a batch."""
        return self.identities * self.tracklets


class BatchSettings(_Frozen):
    shapes: tuple[BatchShape, ...] = Field(min_length=1)
    environments: int | None = Field(None, gt=0)
    """People of one batch come from so many environments; None: from anywhere."""
    family_share: float = Field(0, ge=0, le=1)
    """Share of a batch's identities that come as whole families, where families are known."""
    foreign_rate: float = Field(0, ge=0, le=1)
    """Chance of a tracklet to get frames of another person swapped in (never its majority)."""


class AugmentSettings(_Frozen):
    """Probabilities; flip, crop, background and AutoAugment once per tracklet, the rest per frame.

    Areas are shares of the frame.
    """

    flip: float = Field(0.5, ge=0, le=1)
    crop_padding: int = Field(10, ge=0)
    erasing: float = Field(0, ge=0, le=1)
    erasing_area: tuple[float, float] = (0.02, 0.4)
    erasing_aspect: float = Field(0.3, gt=0, le=1)
    """Height / width is between this and its inverse."""
    patch: float = Field(0, ge=0, le=1)
    patch_pool: int = Field(50_000, gt=0)
    patch_area: tuple[float, float] = (0.01, 0.5)
    autoaugment: float = Field(0, ge=0, le=1)
    background: float = Field(0, ge=0, le=1)
    """Put the person before another tracklet's background, where masks are known."""


class OptimiserSettings(_Frozen):
    rate: float = Field(3.5e-4, gt=0)
    classifier_rate: float = Field(1.75e-3, gt=0)
    backbone_factor: float = Field(1.0, ge=0)
    """The backbone's rate as a share of `rate`."""
    weight_decay: float = Field(5e-4, ge=0)
    warmup: int = Field(200, ge=0)
    """Steps of linear warm-up."""
    decay: Literal["steps", "cosine"] = "steps"
    milestones: tuple[float, ...] = (0.4, 0.8)
    """Shares of the stage after which `steps` multiplies by `gamma` (epochs 80, 160 of 200)."""
    gamma: float = Field(0.1, gt=0, le=1)
    clip_norm: float | None = Field(None, gt=0)
    average_decay: float | None = Field(None, gt=0, lt=1)
    """Of the exponential moving average of weights; None: no average."""


class FreezeSettings(_Frozen):
    stages: int = Field(-1, ge=-1)
    """Stem and so many stages do not learn; -1: everything learns."""
    statistics: bool = False
    """Batch norms of the backbone keep their statistics."""


class Stage(_Frozen):
    """One network trained with one set of settings."""

    name: str
    network: NetworkConfig
    batch: BatchSettings
    losses: LossSettings
    augment: AugmentSettings = AugmentSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    freeze: FreezeSettings = FreezeSettings()
    epochs: float | None = Field(None, gt=0)
    """An epoch has as many steps as batches that hold each training tracklet once on average."""
    steps: int | None = Field(None, gt=0)
    identity_initialise: bool = False
    """Begin the transformers as averages of the features of the stage before."""
    checkpoint_backbone: bool = False
    """Compute the backbone's activations again in the backward pass instead of keeping them."""

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("a stage has either epochs or steps")
        return self


class TrainingConfig(_Frozen):
    """A recipe: stages that follow one another, each starting from the weights of the last."""

    preset: str
    stages: tuple[Stage, ...] = Field(min_length=1)
    seed: int = Field(0, ge=0)
    workers: int = Field(1, ge=0)
    """Processes per training process that decode and augment."""
    log_every: int = Field(20, gt=0)
    checkpoint_every: int = Field(500, gt=0)
    evaluate_every: int = Field(500, gt=0)
    evaluation_frames: int = Field(8, gt=0)
    """Frames per tracklet in evaluations during training; the final test uses 32."""
    evaluation_tracklets: int = Field(1500, gt=0)
    """Evaluations during training look at so many tracklets at most, whole identities of them."""
