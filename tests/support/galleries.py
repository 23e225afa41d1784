"""Small galleries of made-up tracklets."""

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.gallery import LocalGallery, open_gallery
from indexer.records import NewTracklet

MODEL = "0123456789abcdef"
WIDTH = 16


def unit(seed: int, width: int = WIDTH) -> NDArray[np.float32]:
    """A direction [width] that belongs to `seed`."""
    vector = np.random.default_rng(seed).standard_normal(width)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def picture(seed: int, size: int = 600) -> bytes:
    """Bytes that occur nowhere else; the gallery never looks into a JPEG."""
    return b"\xff\xd8" + np.random.default_rng(seed).bytes(size) + b"\xff\xd9"


def tracklet(
    tracklet_id: str | None, seed: int = 0, *, pictures: Sequence[bytes] = (), **fields: Any
) -> NewTracklet:
    """A tracklet of two sampled frames whose vector and content belong to `seed`."""
    embedding = fields.pop("embedding", unit(seed, fields.pop("width", WIDTH)))
    return NewTracklet(
        tracklet_id=tracklet_id,
        content_sha256=hashlib.sha256(str(seed).encode()).digest(),
        model_id=fields.pop("model_id", MODEL),
        embedding=embedding,
        temporal_attention=(0.25, 0.75),
        received=5,
        sampled=(0, 3),
        pictures=pictures,
        **fields,
    )


def make_gallery(folder: Path, **options: Any) -> LocalGallery:
    """Open the gallery in `folder`, made where it is not there yet."""
    settings = {"model_id": MODEL, "width": WIDTH, "create": True, "threads": 2} | options
    return open_gallery(folder, **settings)


def holds(folder: Path, content: bytes) -> list[str]:
    """Names of the files below `folder` in which any part of these bytes stands.

    Looks for short pieces, since SQLite spreads what is long over several pages.
    """
    pieces = [content[start : start + 24] for start in range(4, len(content) - 24, 200)]
    files = [(file.name, file.read_bytes()) for file in folder.rglob("*") if file.is_file()]
    return [name for name, there in files if any(piece in there for piece in pieces)]


class FakeGpu:
    """Behaves like FAISS's classic flat GPU index: no removal, no selector, one thread only."""

    def __init__(self, width: int = WIDTH) -> None:
        self.rows = np.empty((0, width), np.float32)
        self.thread = threading.get_ident()
        self.searches: list[int] = []
        self.broken = False

    def add(self, vectors: NDArray[np.float32]) -> None:
        assert threading.get_ident() == self.thread
        self.rows = np.concatenate([self.rows, vectors])

    def search(
        self, queries: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        assert threading.get_ident() == self.thread
        assert k <= 2048
        if self.broken:
            raise RuntimeError("CUDA error 700")
        self.searches.append(k)
        inner = self.rows @ queries[0].astype(np.float16).astype(np.float32)
        best = np.argsort(-inner, kind="stable")[:k]
        return inner[None, best], best[None]

    def reset(self) -> None:
        self.rows = self.rows[:0]
