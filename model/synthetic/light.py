"""What lights a scene at one time of day."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.synthetic.seeding import chance

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Light:
    """Linear colours; `vector` is what the kernels read."""

    direction: Floats
    """[3] unit, towards the sun"""
    sun: Floats
    sky: Floats
    bounce: Floats
    backdrop: Floats
    """colour of the sky itself"""
    lamp: float
    """strength of a lamp at the camera (infrared)"""
    night: bool
    infrared: bool

    @property
    def vector(self) -> Floats:
        """[13] direction, sun, sky, bounce, lamp"""
        parts = [self.direction, self.sun, self.sky, self.bounce, np.array([self.lamp])]
        return np.concatenate(parts).astype(np.float32)

    @property
    def casts_shadows(self) -> bool:
        return bool(self.sun.max() > 0.05)


def sample_light(rng: np.random.Generator, *, indoor: bool, night: bool) -> Light:
    azimuth = float(rng.uniform(0, 2 * math.pi))
    if indoor:
        return _indoor(rng, azimuth)
    if night:
        return _night(rng, azimuth)
    elevation = math.radians(float(rng.uniform(18, 65)))
    cloudy = chance(rng, 0.35)
    warm = np.array([1.15, 1.0, 0.8]) if elevation < 0.6 else np.array([1.05, 1.0, 0.93])
    sky = np.array([0.80, 0.88, 1.0]) * (0.9 if cloudy else rng.uniform(0.36, 0.5))
    return Light(
        _towards(azimuth, elevation),
        (warm * (0.02 if cloudy else rng.uniform(0.9, 1.5))).astype(np.float32),
        sky.astype(np.float32),
        (sky * 0.5 * np.array([1.1, 1.0, 0.88])).astype(np.float32),
        np.array([0.78, 0.82, 0.88] if cloudy else [0.5, 0.66, 0.95], np.float32),
        0.0,
        False,
        False,
    )


def _towards(azimuth: float, elevation: float) -> Floats:
    flat = math.cos(elevation)
    return np.array(
        [flat * math.sin(azimuth), math.sin(elevation), flat * math.cos(azimuth)], np.float32
    )


def _indoor(rng: np.random.Generator, azimuth: float) -> Light:
    strength = float(rng.uniform(0.75, 1.0))
    tint = np.array([1.04, 1.0, 0.92]) if chance(rng, 0.6) else np.array([0.96, 1.0, 1.05])
    return Light(
        _towards(azimuth, 1.32),
        (tint * 0.04).astype(np.float32),
        (tint * 1.0 * strength).astype(np.float32),
        (tint * rng.uniform(0.35, 0.55) * strength).astype(np.float32),
        (tint * 0.8).astype(np.float32),
        0.0,
        False,
        False,
    )


def _night(rng: np.random.Generator, azimuth: float) -> Light:
    """Either an infrared lamp at the camera, or a street lamp."""
    infrared = chance(rng, 0.6)
    glow = np.array([0.5, 0.45, 0.4]) * 0.25
    lamp = np.array([1.1, 0.85, 0.55]) * (0.0 if infrared else 0.9)
    return Light(
        _towards(azimuth, math.radians(float(rng.uniform(50, 75)))),
        lamp.astype(np.float32),
        glow.astype(np.float32),
        (glow * 0.5).astype(np.float32),
        np.array([0.03, 0.03, 0.04], np.float32),
        0.9 if infrared else 0.0,
        True,
        infrared,
    )
