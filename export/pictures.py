"""Typical inputs for statistics: a folder's pictures, or seeded ones with a natural spectrum.

Flat colour fields drive a network's activations where no photograph does; amplitudes that fall
with 1 / frequency come close to what its convolutions were trained on.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.bundle import colour_tracklets
from model.decode import decode_image, resize_frame
from model.errors import InvalidParameter
from model.limits import DecodeLimits

MEAN, CONTRAST = 110.0, 50.0
FRAMES = 2
"""Per tracklet of a folder's pictures: all of one length, as the quantiser's histograms need."""
MOST_PICTURES = 128
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def folder_tracklets(folder: Path, height: int, width: int) -> list[NDArray[np.uint8]]:
    """Pictures below `folder`, evenly chosen, as tracklets of two: each uint8 [2, H, W, 3].

    Raises `InvalidParameter` where there are fewer than two, `InputRefused` for a bad picture.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if len(paths) < FRAMES:
        raise InvalidParameter(f"{folder} holds no pictures to take ranges from")
    chosen = paths[:: -(-len(paths) // MOST_PICTURES)]
    limits = DecodeLimits()
    frames = [resize_frame(decode_image(p.read_bytes(), limits), height, width) for p in chosen]
    starts = range(0, len(frames) - FRAMES + 1, FRAMES)
    return [np.stack(frames[start : start + FRAMES]) for start in starts]


def mixed_tracklets(
    seed: int, lengths: Sequence[int], height: int, width: int
) -> list[NDArray[np.uint8]]:
    """Of each length one tracklet of clouds and one of colour fields, each uint8 [n, H, W, 3]."""
    rng = np.random.default_rng(seed)
    clouds = [_clouds(rng, n, height, width) for n in lengths]
    return clouds + colour_tracklets(seed, lengths, height, width)


def _clouds(rng: np.random.Generator, n: int, height: int, width: int) -> NDArray[np.uint8]:
    """n frames that share most of their picture: uint8 [n, height, width, 3]."""
    grey = _noise(rng, (1, height, width, 1))
    colour = _noise(rng, (1, height, width, 3))
    change = _noise(rng, (n, height, width, 3))
    picture = MEAN + CONTRAST * (grey + 0.5 * colour + 0.3 * change)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _noise(rng: np.random.Generator, shape: tuple[int, int, int, int]) -> NDArray[np.float64]:
    """Noise with a 1 / frequency spectrum over the axes 1 and 2, of unit deviation."""
    _, height, width, _ = shape
    vertical = np.fft.fftfreq(height)[:, None]
    horizontal = np.fft.fftfreq(width)[None]
    frequency = np.hypot(vertical, horizontal)
    frequency[0, 0] = 1 / max(height, width)
    spectrum = np.fft.fft2(rng.standard_normal(shape), axes=(1, 2)) / frequency[None, :, :, None]
    noise = np.fft.ifft2(spectrum, axes=(1, 2)).real
    unit: NDArray[np.float64] = noise / noise.std()
    return unit
