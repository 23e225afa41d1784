"""Fixtures of the indexer's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.gallery import LocalGallery
from tests.support.galleries import make_gallery


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "gallery"


@pytest.fixture
def gallery(folder: Path) -> Iterator[LocalGallery]:
    """An empty gallery of 16 dimensions."""
    with make_gallery(folder) as made:
        yield made
