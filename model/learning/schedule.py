"""Learning rates: who learns how fast, and when."""

import math

from torch.optim import AdamW, Optimizer

from model.learning.config import OptimiserSettings
from model.network.variants import Network, parameter_groups


def rate_factor(step: int, steps: int, settings: OptimiserSettings) -> float:
    """What step 0, 1, ... of a stage multiplies every learning rate with.

    Linear warm-up to 1, then `gamma` at each milestone or half a cosine to 0.
    """
    warm = min(1.0, (step + 1) / settings.warmup) if settings.warmup else 1.0
    if settings.decay == "cosine":
        return warm * 0.5 * (1 + math.cos(math.pi * step / steps))
    passed = sum(step >= share * steps for share in settings.milestones)
    return float(warm * settings.gamma**passed)


def make_optimiser(network: Network, settings: OptimiserSettings) -> AdamW:
    """AdamW over what is trainable, in groups with their own peak rate."""
    rates = {
        "backbone": settings.rate * settings.backbone_factor,
        "classifiers": settings.classifier_rate,
        "rest": settings.rate,
    }
    groups = [
        {"params": parameters, "lr": rates[name], "peak": rates[name]}
        for name, parameters in parameter_groups(network).items()
        if parameters
    ]
    return AdamW(groups, lr=settings.rate, weight_decay=settings.weight_decay, fused=True)


def set_rates(optimiser: Optimizer, factor: float) -> None:
    """Scale every group's peak rate."""
    for group in optimiser.param_groups:
        group["lr"] = group["peak"] * factor
