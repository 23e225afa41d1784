"""Fixtures that every package's tests share."""

from pathlib import Path

import pytest

from tests.support.fake_bundle import make_bundle


@pytest.fixture(scope="session")
def fake_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small real bundle (hand-made graph, no torch): 64x32 frames, 32 dimensions."""
    return make_bundle(tmp_path_factory.mktemp("fake_bundle"))
