"""Everything that a killed run needs to go on with the very same numbers.

Batches are functions of the step's number and the network has no dropout, so weights, optimiser,
average and the place in the recipe are enough; no generator's state is kept.
"""

import pickle
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from model.errors import InvalidParameter
from model.learning.config import TrainingConfig

CHECKPOINT = "checkpoint.pt"

# What a broken archive surfaces as depends on where it is cut.
_BROKEN = (OSError, RuntimeError, EOFError, KeyError, TypeError, ValueError, pickle.PickleError)


@dataclass(frozen=True)
class RunState:
    """A run after `step` steps of stage number `stage`."""

    config: TrainingConfig
    stage: int
    step: int
    network: dict[str, Any]
    average: dict[str, Any] | None
    optimiser: dict[str, Any]
    best: float
    """The best development mAP of this stage so far."""

    def save(self, folder: Path) -> None:
        """Write, all or nothing: a run killed while it saves still has the checkpoint before."""
        content = vars(self) | {"config": self.config.model_dump_json()}
        with tempfile.TemporaryDirectory(dir=folder, prefix=".checkpoint-") as scratch:
            fresh = Path(scratch) / CHECKPOINT
            torch.save(content, fresh)
            fresh.replace(folder / CHECKPOINT)


def load_state(folder: Path) -> RunState:
    """Raises `InvalidParameter` where the folder holds no usable checkpoint."""
    path = folder / CHECKPOINT
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        config = TrainingConfig.model_validate_json(content.pop("config"))
        return RunState(config=config, **content)
    except FileNotFoundError as error:
        raise InvalidParameter(f"nothing to resume: {path} is not there") from error
    except _BROKEN as error:
        raise InvalidParameter(f"{path} is not a usable checkpoint: {error}") from error
