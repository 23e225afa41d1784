"""Fabrics: the pictures that clothes are made of, drawn into texture pages."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from model.synthetic.noise import band_noise
from model.synthetic.pages import PAGE_SIZE

Colour = tuple[int, int, int]
Picture = NDArray[np.uint8]
Mask = NDArray[Any]


class Print(IntEnum):
    PLAIN = 0
    STRIPES = 1
    PINSTRIPE = 2
    PLAID = 3
    DOTS = 4
    DEAD_LEAVES = 5
    CAMOUFLAGE = 6
    BLOCKS = 7
    GRADIENT = 8
    CHEST_BAND = 9
    GINGHAM = 10
    MELANGE = 11
    FLORAL = 12
    ZIGZAG = 13
    DIAGONAL = 14
    ARGYLE = 15
    TIE_DYE = 16
    SIDE_PANELS = 17
    HIGH_VISIBILITY = 18
    PATCHWORK = 19
    PAISLEY = 20
    MOSAIC = 21


@dataclass(frozen=True)
class Fabric:
    """A cloth: its print, up to three colours (sRGB), and where the print's details come from."""

    design: Print
    colours: tuple[Colour, Colour, Colour]
    scale: float
    """repeats over the page"""
    seed: int
    gloss: float = 0.0
    crease: float = 1.0
    """how strongly it wrinkles"""


_GRID = (np.arange(PAGE_SIZE, dtype=np.float32) + 0.5) / PAGE_SIZE
_V, _U = np.meshgrid(_GRID, _GRID, indexing="ij")


def weave(fabric: Fabric) -> Picture:
    """The fabric as a page, uint8 [128, 128, 3]; it joins at the back (u = 0 and 1)."""
    rng = np.random.default_rng(fabric.seed)
    if fabric.design in _DRAWN:
        page = _DRAWN[fabric.design](fabric, rng)
    else:
        share = np.clip(_MIXED[fabric.design](fabric, rng), 0, 2)[..., None]
        one, two, three = (np.array(colour, np.float32) for colour in fabric.colours)
        mixed = one * np.clip(1 - share, 0, 1) + two * (1 - np.abs(share - 1)).clip(0, 1)
        page = mixed + three * np.clip(share - 1, 0, 1)
    grain = rng.normal(0, 1, (PAGE_SIZE, PAGE_SIZE, 1)).astype(np.float32)
    shade = 1 + 0.025 * grain
    return np.asarray(np.clip(page * shade, 0, 255), np.uint8)


def _wave(x: Mask) -> Mask:
    return np.asarray(x % 1.0)


def _cycles(fabric: Fabric) -> int:
    """Whole repeats around the body, or the print would break at the back."""
    return max(2, round(fabric.scale))


def _stripes(fabric: Fabric, rng: np.random.Generator) -> Mask:
    width = rng.uniform(0.25, 0.6)
    bands = (_wave(_V * fabric.scale) < width).astype(np.float32)
    if rng.random() < 0.35:
        bands += _wave(_V * fabric.scale + 0.25) < 0.12
    return np.asarray(bands)


def _pinstripe(fabric: Fabric, rng: np.random.Generator) -> Mask:
    width = rng.choice([0.18, 0.4])
    return np.asarray(_wave(_U * 2 * _cycles(fabric)) < width, np.float32)


def _plaid(fabric: Fabric, rng: np.random.Generator) -> Mask:
    n = _cycles(fabric)
    a, b = _wave(_U * n), _wave(_V * n * rng.uniform(0.8, 1.1))
    share = 0.5 * (a < 0.42) + 0.5 * (b < 0.42)
    thin = (np.abs(a - 0.7) < 0.05) | (np.abs(b - 0.7) < 0.05)
    return np.asarray(np.where(thin, 2.0, share))


def _dots(fabric: Fabric, rng: np.random.Generator) -> Mask:
    n = 1.5 * _cycles(fabric)
    row = np.floor(_V * n)
    a, b = _wave(_U * round(n) + 0.5 * (row % 2)) - 0.5, _wave(_V * n) - 0.5
    return np.asarray(a * a + b * b < rng.uniform(0.03, 0.10), np.float32)


def _camouflage(fabric: Fabric, rng: np.random.Generator) -> Mask:
    field = band_noise(rng, PAGE_SIZE, fabric.scale * 0.5, rng.uniform(0.8, 1.6))
    return 1.0 * (field > -0.2) + 1.0 * (field > 0.75)


def _blocks(fabric: Fabric, rng: np.random.Generator) -> Mask:
    edge = rng.uniform(0.3, 0.7) + rng.choice([0, 0, 0.12]) * np.cos(2 * np.pi * _U)
    lower = np.asarray(edge < _V, np.float32)
    piping = 2.0 * ((edge - 0.05 < _V) & (edge > _V)) * (rng.random() < 0.4)
    return np.asarray(lower + piping)


def _gradient(fabric: Fabric, rng: np.random.Generator) -> Mask:
    return np.asarray(np.clip((_V - rng.uniform(0.1, 0.5)) / 0.4, 0, 1))


def _chest_band(fabric: Fabric, rng: np.random.Generator) -> Mask:
    at, width = rng.uniform(0.3, 0.5), rng.uniform(0.04, 0.12)
    band = np.abs(_V - at)
    return 1.0 * (band < width) + 2.0 * (np.abs(band - width - 0.03) < 0.013)


def _gingham(fabric: Fabric, rng: np.random.Generator) -> Mask:
    n = 1.5 * _cycles(fabric)
    return 0.5 * (_wave(_U * round(n)) < 0.5) + 0.5 * (_wave(_V * n) < 0.5)


def _melange(fabric: Fabric, rng: np.random.Generator) -> Mask:
    return 0.32 + 0.22 * band_noise(rng, PAGE_SIZE, 22, rng.choice([0.5, 1, 2.5]))


def _zigzag(fabric: Fabric, rng: np.random.Generator) -> Mask:
    n = _cycles(fabric)
    teeth = np.abs(_wave(_U * n * 2) - 0.5) * rng.uniform(0.5, 1.2)
    return np.asarray(np.floor(3 * _wave(_V * n + teeth)), np.float32)


def _diagonal(fabric: Fabric, rng: np.random.Generator) -> Mask:
    n = _cycles(fabric)
    return np.asarray(np.floor(2.6 * _wave(_U * n + _V * n * rng.choice([-1, 1]))), np.float32)


def _argyle(fabric: Fabric, rng: np.random.Generator) -> Mask:
    n = _cycles(fabric)
    a = np.abs(_wave(_U * n) - 0.5) + np.abs(_wave(_V * n) - 0.5)
    line = np.abs(_wave(_U * n + _V * n) - 0.5) < 0.04
    return np.asarray(np.where(line, 2.0, 1.0 * (a < 0.38)))


def _tie_dye(fabric: Fabric, rng: np.random.Generator) -> Mask:
    centre = rng.uniform(0.3, 0.7, 2)
    radius = np.hypot(_wave(_U - centre[0] + 0.5) - 0.5, _V - centre[1])
    warp = 0.06 * band_noise(rng, PAGE_SIZE, 7)
    return np.asarray(1 + np.sin(2 * np.pi * (radius + warp) * fabric.scale * 0.6))


def _side_panels(fabric: Fabric, rng: np.random.Generator) -> Mask:
    side = np.abs(np.abs(_U - 0.5) - 0.25)
    width = rng.uniform(0.03, 0.09)
    return 1.0 * (side < width) + 2.0 * (np.abs(side - width - 0.02) < 0.008)


def _high_visibility(fabric: Fabric, rng: np.random.Generator) -> Mask:
    bands = (np.abs(_V - 0.55) < 0.035) | (np.abs(_V - 0.8) < 0.035)
    braces = (np.abs(np.abs(_U - 0.5) - 0.09) < 0.02) & (_V < 0.55)
    return 2.0 * (bands | braces) + 1.0 * (_V > 0.9)


def _dead_leaves(fabric: Fabric, rng: np.random.Generator) -> Mask:
    """Shapes of all sizes dropped over one another, as leaves cover the ground."""
    page = np.full((PAGE_SIZE, PAGE_SIZE, 3), fabric.colours[0], np.uint8)
    colours = np.array(fabric.colours)
    for _ in range(150):
        radius = int(min(4 / (rng.random() + 0.08), 26) * 6 / fabric.scale) + 1
        colour = np.clip(colours[rng.integers(3)] + rng.normal(0, 22, 3), 0, 255)
        x, y = (int(value) for value in rng.integers(0, PAGE_SIZE, 2))
        tilt, thin = rng.uniform(0, 180), rng.uniform(0.35, 1)
        for copy in (x - PAGE_SIZE, x, x + PAGE_SIZE):
            axes = (radius, max(1, int(radius * thin)))
            cv2.ellipse(page, (copy, y), axes, tilt, 0, 360, colour.tolist(), -1)
    return page.astype(np.float32)


def _floral(fabric: Fabric, rng: np.random.Generator) -> Mask:
    page = np.full((PAGE_SIZE, PAGE_SIZE, 3), fabric.colours[0], np.uint8)
    for _ in range(int(5 * fabric.scale)):
        x, y = (int(value) for value in rng.integers(0, PAGE_SIZE, 2))
        size = int(rng.uniform(3, 30 / fabric.scale + 4))
        colour = np.clip(
            np.array(fabric.colours[1 + int(rng.integers(2))]) + rng.normal(0, 12, 3), 0, 255
        )
        turn = rng.uniform(0, 1)
        for petal in range(5):
            a = 2 * np.pi * (petal + turn) / 5
            at = (int(x + size * 0.7 * np.cos(a)), int(y + size * 0.7 * np.sin(a)))
            cv2.circle(page, at, max(1, int(size * 0.45)), colour.tolist(), -1, cv2.LINE_AA)
        cv2.circle(page, (x, y), max(1, size // 3), fabric.colours[0], -1, cv2.LINE_AA)
    return page.astype(np.float32)


def _patchwork(fabric: Fabric, rng: np.random.Generator) -> Mask:
    n = max(3, _cycles(fabric) // 2)
    grid = rng.integers(0, 3, (n, n))
    tones = np.array(fabric.colours, np.float32)[grid] * rng.uniform(0.75, 1.15, (n, n, 1))
    return cv2.resize(tones, (PAGE_SIZE, PAGE_SIZE), interpolation=cv2.INTER_NEAREST)


def _paisley(fabric: Fabric, rng: np.random.Generator) -> Mask:
    page = np.full((PAGE_SIZE, PAGE_SIZE, 3), fabric.colours[0], np.uint8)
    step = max(10, int(PAGE_SIZE / fabric.scale * 1.2))
    for row, y in enumerate(range(0, PAGE_SIZE + step, step)):
        for x in range((row % 2) * step // 2, PAGE_SIZE + step, step):
            for shrink, tone in ((0.45, 1), (0.28, 2), (0.12, 0)):
                axes = (int(step * shrink), max(1, int(step * shrink * 0.55)))
                cv2.ellipse(page, (x, y), axes, 40, 0, 360, fabric.colours[tone], -1, cv2.LINE_AA)
    return page.astype(np.float32)


def _mosaic(fabric: Fabric, rng: np.random.Generator) -> Mask:
    """Cells around scattered points, each in one tone."""
    count = int(6 * fabric.scale)
    points = rng.random((count, 2), np.float32) * PAGE_SIZE
    tones = np.array(fabric.colours, np.float32)[rng.integers(0, 3, count)]
    labels = np.zeros((PAGE_SIZE, PAGE_SIZE), np.int32)
    best = np.full((PAGE_SIZE, PAGE_SIZE), np.inf, np.float32)
    for index, (x, y) in enumerate(points):
        across = np.abs(_U * PAGE_SIZE - x)
        across = np.minimum(across, PAGE_SIZE - across)
        distance = across**2 + (_V * PAGE_SIZE - y) ** 2
        labels[distance < best] = index
        best = np.minimum(best, distance)
    return np.asarray(tones[labels])


Mixer = Callable[[Fabric, np.random.Generator], Mask]

_MIXED: dict[Print, Mixer] = {
    Print.PLAIN: lambda fabric, rng: np.zeros_like(_U),
    Print.STRIPES: _stripes,
    Print.PINSTRIPE: _pinstripe,
    Print.PLAID: _plaid,
    Print.DOTS: _dots,
    Print.CAMOUFLAGE: _camouflage,
    Print.BLOCKS: _blocks,
    Print.GRADIENT: _gradient,
    Print.CHEST_BAND: _chest_band,
    Print.GINGHAM: _gingham,
    Print.MELANGE: _melange,
    Print.ZIGZAG: _zigzag,
    Print.DIAGONAL: _diagonal,
    Print.ARGYLE: _argyle,
    Print.TIE_DYE: _tie_dye,
    Print.SIDE_PANELS: _side_panels,
    Print.HIGH_VISIBILITY: _high_visibility,
}
_DRAWN: dict[Print, Mixer] = {
    Print.DEAD_LEAVES: _dead_leaves,
    Print.FLORAL: _floral,
    Print.PATCHWORK: _patchwork,
    Print.PAISLEY: _paisley,
    Print.MOSAIC: _mosaic,
}
