"""Exponential moving average of weights: what is evaluated and kept instead of the last step."""

import copy

import torch

from model.network.variants import Network


class WeightAverage:
    """A shadow of `network` that follows it slowly; buffers follow too."""

    def __init__(self, network: Network, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: Network, step: int) -> None:
        """Step 0, 1, ...: early steps count more, so that the start is forgotten soon."""
        decay = min(self._decay, (1 + step) / (10 + step))
        shadow = self.network.state_dict().values()
        followed = network.state_dict().values()
        pairs = [(s, t) for s, t in zip(shadow, followed, strict=True) if s.is_floating_point()]
        torch._foreach_lerp_([s for s, _ in pairs], [t for _, t in pairs], 1 - decay)
