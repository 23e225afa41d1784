"""Small networks with weights that a trained one could have."""

import pytest
import torch

from model.network.config import NetworkConfig, preset
from model.network.stt_gt import SttGt
from tests.support.networks import lively, pictures

IDENTITIES = 7


@pytest.fixture
def config() -> NetworkConfig:
    return NetworkConfig.model_validate(preset("tiny").model_dump() | {"identities": IDENTITIES})


@pytest.fixture
def network(config: NetworkConfig) -> SttGt:
    torch.manual_seed(0)
    return lively(SttGt(config))


@pytest.fixture
def frames() -> torch.Tensor:
    """Three tracklets of five frames."""
    return pictures(3, 5)
