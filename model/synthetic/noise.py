"""Hashes and value noise for the jitted kernels, and the relief of wrinkled cloth."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@njit(cache=True, fastmath=True)
def hash01(x: int, y: int, seed: int) -> float:
    """A number in [0, 1] that depends on a lattice point alone."""
    n = np.uint32(x * 374761393 + y * 668265263 + seed * 1274126177)
    n = (n ^ (n >> np.uint32(13))) * np.uint32(1274126177)
    n = n ^ (n >> np.uint32(16))
    return float(n & np.uint32(0xFFFFFF)) / 16777215.0


@njit(cache=True, fastmath=True)
def value_noise(x: float, y: float, seed: int) -> float:
    """Smooth noise in [0, 1] with features of unit size."""
    left = math.floor(x)
    top = math.floor(y)
    fx = x - left
    fy = y - top
    fx = fx * fx * (3 - 2 * fx)
    fy = fy * fy * (3 - 2 * fy)
    i = int(left)
    j = int(top)
    upper = hash01(i, j, seed) * (1 - fx) + hash01(i + 1, j, seed) * fx
    lower = hash01(i, j + 1, seed) * (1 - fx) + hash01(i + 1, j + 1, seed) * fx
    return float(upper * (1 - fy) + lower * fy)


def band_noise(rng: np.random.Generator, size: int, cycles: float, stretch: float = 1.0) -> Floats:
    """Periodic noise [size, size] around `cycles` per side, longer along the rows by `stretch`."""
    f = np.fft.fftfreq(size) * size
    radius = np.hypot(f[:, None] / stretch, f[None] * stretch)
    gain = np.exp(-(((radius - cycles) / (0.45 * cycles)) ** 2))
    field = np.fft.ifft2(np.fft.fft2(rng.standard_normal((size, size))) * gain).real
    return np.asarray(field / field.std(), np.float32)


def wrinkle_relief(size: int = 128) -> Floats:
    """Slopes [size, size, 2] of cloth folds, unit variance, periodic in both axes."""
    rng = np.random.default_rng(5)
    height = band_noise(rng, size, 3.0, 1.5) + 0.30 * band_noise(rng, size, 9.0, 0.8)
    # Folds have sharp valleys and round ridges: bend the field before taking slopes.
    height = np.abs(height + 0.3) ** 0.8
    slopes = np.stack(
        [
            np.roll(height, -1, 1) - np.roll(height, 1, 1),
            np.roll(height, -1, 0) - np.roll(height, 1, 0),
        ],
        -1,
    )
    return np.asarray(slopes / slopes.std(), np.float32)
