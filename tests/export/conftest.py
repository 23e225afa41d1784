"""Exports are slow (seconds each), so the tests of this package share them."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from export.source import Source, read_source
from export.writer import Label, write_bundle
from model.bundle import Manifest, Precision
from model.network.weights import save_weights
from tests.support.networks import tiny_network

LABEL = Label("test", "1.2.3")


@dataclass(frozen=True)
class Exported:
    folder: Path
    manifest: Manifest


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    path = tmp_path_factory.mktemp("checkpoint") / "weights.safetensors"
    save_weights(path, tiny_network(identities=3), {"data": "none", "seed": 1})
    return read_source(path)


@pytest.fixture(scope="session")
def plain(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return _export(source, tmp_path_factory, "fp32")


@pytest.fixture(scope="session")
def compact(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("bundles") / "compact"
    return Exported(folder, write_bundle(source, folder, LABEL, "fp32", "compact"))


@pytest.fixture(scope="session")
def half(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return _export(source, tmp_path_factory, "fp16")


@pytest.fixture(scope="session")
def int8(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return _export(source, tmp_path_factory, "int8")


def _export(source: Source, factory: pytest.TempPathFactory, precision: Precision) -> Exported:
    folder = factory.mktemp("bundles") / precision
    return Exported(folder, write_bundle(source, folder, LABEL, precision))
