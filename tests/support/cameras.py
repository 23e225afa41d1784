"""Made-up tracklets of people before cameras that each pull embeddings their own way."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer import camera_statistics
from indexer.camera_statistics import Set
from indexer.camera_sums import Sums
from indexer.gallery import LocalGallery
from indexer.normalisation import Normalisation
from indexer.records import NewTracklet
from indexer.rows import from_stored, to_stored
from tests.support.galleries import make_gallery, tracklet

WIDTH = 32
PULL = 0.5


def seen(person: int, camera: str | None, take: int = 0) -> NDArray[np.float32]:
    """The embedding [D] of a person before a camera; each take is a little different."""
    vector = np.random.default_rng(person).standard_normal(WIDTH)
    vector += 0.7 * np.random.default_rng([person, take, 7]).standard_normal(WIDTH)
    if camera is not None:
        seed = [ord(letter) for letter in camera]
        vector += PULL * np.random.default_rng(seed).standard_normal(WIDTH)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def walk(person: int, camera: str | None, take: int = 0, **fields: Any) -> NewTracklet:
    """A tracklet whose id says who was seen where."""
    name = f"{person}-{camera or 'nowhere'}-{take}"
    fields = {"identity": f"p{person}"} | fields
    return tracklet(name, 0, embedding=seen(person, camera, take), camera=camera, **fields)


def open_auto(folder: Path, **options: Any) -> LocalGallery:
    """A gallery that takes from embeddings what is their camera's."""
    return make_gallery(folder, **({"width": WIDTH, "camera_normalisation": "auto"} | options))


def fill(gallery: LocalGallery, cameras: Sequence[str], people: int) -> None:
    """Everybody before every camera, and the scoring brought up to date."""
    news = [walk(person, camera) for camera in cameras for person in range(people)]
    gallery.enrol_many(news, actor="test")
    gallery.refresh()


def sums_of(vectors: Sequence[NDArray[np.float32]]) -> Sums:
    """Of embeddings as the store rounds them."""
    return Sums.of(np.stack([from_stored(to_stored(one)) for one in vectors]).astype(np.float16))


def statistics(gallery: LocalGallery, which: Set) -> dict[str, tuple[int, bytes, bytes]]:
    """What the store keeps, by camera."""
    with gallery._store.reading() as connection:
        kept = camera_statistics.read(connection, which)
    return {camera: sums.to_bytes() for camera, sums in kept.items()}


def frozen(gallery: LocalGallery) -> Normalisation:
    """What the store says that everybody serves."""
    with gallery._store.reading() as connection:
        kept = camera_statistics.read(connection, "frozen")
        return Normalisation.of(kept, WIDTH, camera_statistics.frozen_at(connection))


def compared(
    normalisation: Normalisation, embedding: NDArray[np.float32], camera: str | None
) -> NDArray[np.float64]:
    """A stored vector [D] as a search ought to compare it."""
    stored = from_stored(to_stored(embedding)).astype(np.float16)[None]
    return normalisation.stored(stored, [camera])[0].astype(np.float64)
