"""Fixtures of the model contract's tests."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def bundle(fake_bundle: Path, tmp_path: Path) -> Path:
    """A copy of the fake bundle that a test may damage."""
    return Path(shutil.copytree(fake_bundle, tmp_path / "bundle"))
