"""One tiny world, rendered once per session and shared by everything that only reads it."""

from pathlib import Path

import pytest

from model.synthetic import SyntheticWorld, WorldConfig, open_world, preset, synthesise


@pytest.fixture(scope="session")
def tiny() -> WorldConfig:
    return preset("tiny", seed=5, family_rate=1.0)


@pytest.fixture(scope="session")
def tiny_folder(tiny: WorldConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "tiny"
    synthesise(tiny, folder)
    return folder


@pytest.fixture(scope="session")
def world(tiny_folder: Path) -> SyntheticWorld:
    return open_world(tiny_folder)
