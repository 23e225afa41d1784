"""Recipes by name: the paper's, the same made small, those that pay on a CPU, one for tests."""

from typing import Literal

from model.learning.config import (
    AugmentSettings,
    BatchSettings,
    BatchShape,
    FreezeSettings,
    LossSettings,
    LossWeights,
    OptimiserSettings,
    Stage,
    TrainingConfig,
)
from model.network.config import Layout, NetworkConfig
from model.network.config import preset as network_preset
from model.network.variants import with_structure

RecipeName = Literal["paper", "paper-small", "cpu", "longer", "full-size", "small", "tiny"]

PAPER_WEIGHTS = LossWeights(
    cnn_xent=1,
    spatial_xent=1,
    spatial_part_xent=1,
    temporal_xent=1,
    temporal_triplet=1,
    temporal_attention=1,
    global_xent=1,
)
TRACKLET_WEIGHTS = LossWeights(
    temporal_attention=1,
    contrast=1,
    raw_contrast=0.5,
    frame_contrast=0.5,
    temporal_visibility=2,
    global_visibility=0.5,
)
"""Without classifiers: those of thousands of people seen a few times each hardly learn.

The triplet loss of eq. 2 is left out: within 120 steps it sat at its margin, having pulled all
tokens together (docs/experiments.md, E4). Contrasts of cosines cannot be met that way. Attention is
supervised strongly because its divergences are small numbers: at a quarter of these weights it
stayed nearly even.
"""


def recipe(name: RecipeName) -> TrainingConfig:
    """A preset as it is; change it with `with_budget`, `with_layout` or `variants.with_row`."""
    recipes = {
        "paper": _paper,
        "paper-small": _paper_small,
        "cpu": _cpu,
        "longer": _longer,
        "full-size": _full_size,
        "small": _small,
        "tiny": _tiny,
    }
    return recipes[name]()


def with_budget(config: TrainingConfig, steps: int) -> TrainingConfig:
    """The same recipe in so many steps, divided over its stages as before."""
    planned = [stage.steps for stage in config.stages]
    lengths = [1 if length is None else length for length in planned]
    total = sum(lengths)
    stages = [
        stage.model_copy(update={"steps": max(1, steps * length // total), "epochs": None})
        for stage, length in zip(config.stages, lengths, strict=True)
    ]
    return config.model_copy(update={"stages": tuple(stages)})


def with_layout(config: TrainingConfig, layout: Layout) -> TrainingConfig:
    """The same recipe for backbone weights of another family."""
    stages = [
        stage.model_copy(update={"network": stage.network.model_copy(update={"layout": layout})})
        for stage in config.stages
    ]
    return config.model_copy(update={"stages": tuple(stages)})


def _paper() -> TrainingConfig:
    """Section 4.2, number by number; what it leaves open is listed in docs/training.md."""
    stage = Stage(
        name="stt-gt",
        network=network_preset("paper"),
        batch=BatchSettings(shapes=(BatchShape(identities=15, tracklets=4, frames=8),)),
        losses=LossSettings(weights=PAPER_WEIGHTS),
        augment=AugmentSettings(erasing=0.5, patch=0.5, autoaugment=0.1),
        epochs=200,
    )
    return TrainingConfig(preset="paper", stages=(stage,))


def _paper_small() -> TrainingConfig:
    """`paper` at a quarter of the pixels and of the frames per batch, to compare rows on a CPU."""
    paper = _paper().stages[0]
    shape = BatchShape(identities=8, tracklets=4, frames=4)
    stage = paper.model_copy(
        update={
            "network": _sized(paper.network, 128, 64),
            "batch": BatchSettings(shapes=(shape,)),
            "augment": paper.augment.model_copy(update={"crop_padding": 5}),
            "epochs": None,
            "steps": 1500,
        }
    )
    return TrainingConfig(preset="paper-small", stages=(stage,))


def _cpu() -> TrainingConfig:
    """CNN with contrast, then the whole network from it."""
    full = network_preset("full")
    small = _sized(full, 128, 64)
    return TrainingConfig(
        preset="cpu",
        stages=(
            Stage(
                name="cnn",
                network=with_structure(small, "cnn-three-stages"),
                batch=_lookalikes(BatchShape(identities=24, tracklets=4, frames=1)),
                losses=LossSettings(weights=LossWeights(contrast=1)),
                augment=AugmentSettings(crop_padding=5),
                optimiser=_gentle(rate=3e-4, backbone_factor=1.0, warmup=100),
                freeze=FreezeSettings(stages=1, statistics=True),
                steps=500,
            ),
            Stage(
                name="stt-gt",
                network=small,
                batch=_lookalikes(
                    BatchShape(identities=32, tracklets=4, frames=1, share=0.2),
                    BatchShape(identities=32, tracklets=2, frames=2, share=0.2),
                    BatchShape(identities=16, tracklets=2, frames=4, share=0.3),
                    BatchShape(identities=11, tracklets=2, frames=6, share=0.3),
                    foreign_rate=0.5,
                ),
                losses=LossSettings(weights=TRACKLET_WEIGHTS, only_visible=True),
                augment=AugmentSettings(crop_padding=5),
                optimiser=_gentle(rate=2e-4, backbone_factor=0.4, warmup=200),
                freeze=FreezeSettings(stages=1, statistics=True),
                steps=1500,
                identity_initialise=True,
            ),
        ),
        checkpoint_every=200,
    )


def _longer() -> TrainingConfig:
    """Go on from `cpu`'s weights, on other people if there are any; its optimiser starts anew."""
    stage = _cpu().stages[1].model_copy(update={"steps": 2500, "identity_initialise": False})
    return TrainingConfig(preset="longer", stages=(stage,), checkpoint_every=200)


def _full_size() -> TrainingConfig:
    """Finish at 256x128, with longer tracklets, what `cpu` trained at 128x64."""
    stage = Stage(
        name="full-size",
        network=network_preset("full"),
        batch=_lookalikes(
            BatchShape(identities=24, tracklets=2, frames=1, share=0.2),
            BatchShape(identities=16, tracklets=2, frames=2, share=0.3),
            BatchShape(identities=10, tracklets=2, frames=4, share=0.3),
            BatchShape(identities=6, tracklets=2, frames=8, share=0.2),
            foreign_rate=0.5,
        ),
        losses=LossSettings(weights=TRACKLET_WEIGHTS, only_visible=True),
        optimiser=_gentle(rate=1e-4, backbone_factor=0.4, warmup=100),
        freeze=FreezeSettings(stages=1, statistics=True),
        steps=2000,
    )
    return TrainingConfig(preset="full-size", stages=(stage,), checkpoint_every=100)


def _small() -> TrainingConfig:
    """`cpu` for the small network: a usable model in half an hour."""
    network = network_preset("small")
    networks = (with_structure(network, "cnn-three-stages"), network)
    stages = tuple(
        stage.model_copy(update={"network": own, "steps": steps})
        for stage, own, steps in zip(_cpu().stages, networks, (800, 1600), strict=True)
    )
    return TrainingConfig(preset="small", stages=stages, checkpoint_every=200)


def _tiny() -> TrainingConfig:
    """A network of 50,000 parameters that learns a small world in a minute; for tests."""
    network = network_preset("tiny")
    augment = AugmentSettings(crop_padding=3)
    optimiser = OptimiserSettings(
        rate=5e-3, warmup=20, decay="cosine", average_decay=0.95, clip_norm=5
    )
    singles = BatchShape(identities=12, tracklets=3, frames=1)
    clips = BatchShape(identities=8, tracklets=3, frames=4)
    return TrainingConfig(
        preset="tiny",
        stages=(
            Stage(
                name="cnn",
                network=with_structure(network, "cnn-three-stages"),
                batch=BatchSettings(shapes=(singles,)),
                losses=LossSettings(weights=LossWeights(contrast=1)),
                augment=augment,
                optimiser=optimiser,
                steps=200,
            ),
            Stage(
                name="stt-gt",
                network=network,
                batch=BatchSettings(shapes=(singles, clips), foreign_rate=0.2),
                losses=LossSettings(weights=TRACKLET_WEIGHTS, only_visible=True),
                augment=augment,
                optimiser=optimiser,
                steps=200,
                identity_initialise=True,
            ),
        ),
        workers=0,
        checkpoint_every=50,
        evaluate_every=100,
        evaluation_frames=4,
    )


def _lookalikes(*shapes: BatchShape, foreign_rate: float = 0) -> BatchSettings:
    """People of one or two places, most of them beside those who look like them."""
    return BatchSettings(shapes=shapes, environments=2, family_share=0.6, foreign_rate=foreign_rate)


def _gentle(*, rate: float, backbone_factor: float, warmup: int) -> OptimiserSettings:
    return OptimiserSettings(
        rate=rate,
        backbone_factor=backbone_factor,
        warmup=warmup,
        decay="cosine",
        clip_norm=5,
        average_decay=0.999,
    )


def _sized(network: NetworkConfig, height: int, width: int) -> NetworkConfig:
    return NetworkConfig.model_validate(network.model_dump() | {"height": height, "width": width})
