"""Checkpoints hold numbers and plain data: code in one is refused, never run."""

import os
from pathlib import Path

import pytest
import torch

from model.errors import InvalidParameter
from model.learning.checkpoint import CHECKPOINT, load_state


class Code:
    """Runs a command when it is unpickled without care."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


def test_a_checkpoint_that_holds_code_is_refused_and_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "it-ran"
    torch.save({"config": Code(f"touch {trace}")}, tmp_path / CHECKPOINT)

    with pytest.raises(InvalidParameter, match="not a usable checkpoint"):
        load_state(tmp_path)

    assert not trace.exists()
