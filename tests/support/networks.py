"""Networks for tests: tiny, seeded, and far from any initialisation that hides mistakes."""

import torch
from torch import Tensor, nn

from model.network.config import NetworkConfig, preset
from model.network.stt_gt import SttGt


def lively(network: SttGt) -> SttGt:
    """Give every parameter and statistic a value of its own, so that none of them can be ignored
    or swapped unseen, and attention something to choose; in evaluation mode."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith(("query.weight", "key.weight")):
                parameter.copy_(noise / parameter.shape[1] ** 0.25)
            elif parameter.ndim == 1:
                parameter.add_(0.2 * noise)
            else:
                parameter.add_(0.02 * noise)
        for module in network.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.running_mean.add_(
                    0.2 * torch.randn(module.num_features, generator=generator)
                )
                module.running_var.mul_(0.5 + torch.rand(module.num_features, generator=generator))
                if isinstance(module, nn.BatchNorm1d):
                    module.bias.zero_()
    return network.eval()


def tiny_network(**changes: object) -> SttGt:
    """A lively network of preset `tiny` with some fields of its configuration changed."""
    torch.manual_seed(0)
    return lively(SttGt(NetworkConfig.model_validate(preset("tiny").model_dump() | changes)))


def pictures(batch: int, length: int, height: int = 64, width: int = 32) -> Tensor:
    """Seeded noise, uint8 [B, L, H, W, 3]."""
    generator = torch.Generator().manual_seed(2)
    shape = (batch, length, height, width, 3)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def mask_of(*lengths: int) -> Tensor:
    """bool [B, L]: the first n frames of each tracklet are real."""
    return torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
