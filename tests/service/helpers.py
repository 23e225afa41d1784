"""Uploads as a client would make them, of people that the fake model can tell apart."""

from collections.abc import Sequence
from typing import Any

from model.decode import encode_jpeg
from tests.support.fake_bundle import person

Part = tuple[str, tuple[str | None, bytes | str, str] | tuple[str | None, bytes | str]]


def jpegs(seed: int, n: int = 4, *, size: tuple[int, int] = (64, 32)) -> list[bytes]:
    """n pictures of one made-up person."""
    return [encode_jpeg(frame) for frame in person(seed, n, size=size)]


def frames(pictures: Sequence[bytes]) -> list[Part]:
    return [("frames", (f"{place}.jpg", data, "image/jpeg")) for place, data in enumerate(pictures)]


def form(seed: int | None = None, n: int = 4, **fields: Any) -> list[Part]:
    """A multipart form: n frames of person `seed`, and text fields (lists are repeated)."""
    texts = [
        (name, (None, str(item)))
        for name, value in fields.items()
        for item in (value if isinstance(value, list) else [value])
    ]
    return [*texts, *(frames(jpegs(seed, n)) if seed is not None else [])]
