"""The recipe for an ablation that has to fit into half an hour on two cores."""

from model.learning.config import (
    AugmentSettings,
    BatchSettings,
    BatchShape,
    FreezeSettings,
    LossSettings,
    OptimiserSettings,
    Stage,
    TrainingConfig,
)
from model.learning.presets import PAPER_WEIGHTS
from model.network.config import NetworkConfig
from model.network.config import preset as network_preset

NAME = "ablation"


def ablation_recipe() -> TrainingConfig:
    """The paper's losses and rates for the small network, in hundreds of steps.

    The stem, the first stage and all batch-norm statistics stay as ImageNet left them: batches are
    small, and every row is to start from the same features.
    """
    small = network_preset("small")
    network = NetworkConfig.model_validate(small.model_dump() | {"height": 64, "width": 32})
    stage = Stage(
        name="ablation",
        network=network,
        batch=BatchSettings(shapes=(BatchShape(identities=8, tracklets=4, frames=4),)),
        losses=LossSettings(weights=PAPER_WEIGHTS),
        augment=AugmentSettings(crop_padding=3),
        optimiser=OptimiserSettings(warmup=20, clip_norm=5),
        freeze=FreezeSettings(stages=1, statistics=True),
        steps=250,
    )
    return TrainingConfig(preset=NAME, stages=(stage,), workers=1, checkpoint_every=1000)
