"""Cameras: where they hang, and the chain from linear light to a compressed picture."""

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from model.synthetic.light import Light
from model.synthetic.scene import Scene
from model.synthetic.seeding import chance

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]
Rng = np.random.Generator


class Tone(IntEnum):
    """How a camera maps light to levels; one per kind of world."""

    FILMIC = 0
    HARD = 1
    FLAT = 2
    LOCAL = 3


@dataclass(frozen=True)
class LensStyle:
    """How the cameras of one kind of world are distributed."""

    tone: Tone
    heights: tuple[float, float]
    low_rate: float
    focal: tuple[float, float]
    """in image widths"""
    exposure: float
    cast: float
    saturation: tuple[float, float]
    gamma: tuple[float, float]
    resolutions: tuple[float, ...]
    blur: float
    noises: tuple[float, ...]
    quality: tuple[int, int]
    vignette: float
    sharpen: tuple[float, ...]
    denoise: bool


@dataclass(frozen=True)
class Camera:
    pose: Floats
    """[15], see `view`"""
    tone: Tone
    exposure: float
    balance: Floats
    saturation: float
    gamma: float
    black: float
    contrast: float
    resolution: float
    """share of the native resolution that survives"""
    blur: float
    noise: float
    quality: int
    vignette: float
    sharpen: float
    denoise: bool


def sample_camera(rng: Rng, style: LensStyle, scene: Scene, width: int, height: int) -> Camera:
    return Camera(
        pose=_sample_pose(rng, style, scene, width, height),
        tone=style.tone,
        exposure=float(math.exp(rng.normal(0, style.exposure))),
        balance=np.exp(rng.normal(0, style.cast, 3)).astype(np.float32),
        saturation=float(rng.uniform(*style.saturation)),
        gamma=float(rng.uniform(*style.gamma)),
        black=float(rng.uniform(0, 0.05)),
        contrast=float(rng.uniform(0, 0.65)),
        resolution=float(rng.choice(style.resolutions)),
        blur=abs(float(rng.normal(0, style.blur))),
        noise=float(rng.choice(style.noises)),
        quality=int(rng.integers(*style.quality)),
        vignette=float(rng.uniform(0, style.vignette)),
        sharpen=float(rng.choice(style.sharpen)),
        denoise=style.denoise,
    )


def _sample_pose(rng: Rng, style: LensStyle, scene: Scene, width: int, height: int) -> Floats:
    """Somewhere at the edge, looking at the middle, away from what would fill the picture."""
    clear = scene.obstacles
    position = np.zeros(3)
    for _ in range(60):
        azimuth, radius = rng.uniform(0, 2 * math.pi), rng.uniform(8, 13)
        low = chance(rng, style.low_rate)
        elevation = rng.uniform(1.4, 2.0) if low else rng.uniform(*style.heights)
        position = np.array([radius * math.sin(azimuth), elevation, radius * math.cos(azimuth)])
        gaps = np.hypot(clear[:, 0] - position[0], clear[:, 1] - position[2]) - clear[:, 2]
        if not len(gaps) or gaps.min() > 3.2:
            break
    target = np.array([rng.normal(0, 2), 0.9, rng.normal(0, 2)])
    forward = target - position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0, 1, 0])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    roll = rng.normal(0, 0.02)
    right, up = (
        right * math.cos(roll) + up * math.sin(roll),
        up * math.cos(roll) - right * math.sin(roll),
    )
    focal = rng.uniform(*style.focal) * width
    middle = [focal, width / 2, height / 2]
    return np.concatenate([position, right, up, forward, middle]).astype(np.float32)


def meter(colour: NDArray[Any], depth: NDArray[Any]) -> float:
    """Exposure that brings the empty scene's middle tone near a fifth of white."""
    near = depth[::8, ::8] < 60
    tones = colour[::8, ::8].astype(np.float32).mean(-1)
    middle = float(np.median(tones[near])) if near.any() else 0.2
    return float((0.24 / max(middle, 0.01)) ** 0.85)


def develop(
    camera: Camera,
    image: Floats,
    light: Light,
    exposure: float,
    crop: Floats,
    native: int,
    out: tuple[int, int],
    rng: Rng,
) -> Picture:
    """Linear light [H, W, 3] -> RGB uint8 of size `out` (height, width).

    Everything that loses information happens at `native` pixels of height, as in a real recorder;
    the picture is resized afterwards.
    """
    height = int(np.clip(native * camera.resolution, 24, 2 * out[0]))
    width = max(12, round(height * out[1] / out[0]))
    image = _resize(image, (width, height), cv2.INTER_AREA)
    if camera.blur > 0.2:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), camera.blur), np.float32)
    gain = (camera.exposure * exposure * camera.balance).astype(np.float32)
    image = image * gain * _vignette(camera, crop, height, width)
    grey = image.mean(2, keepdims=True)
    saturation = 0.0 if light.infrared else camera.saturation
    image = np.maximum(grey + (image - grey) * np.float32(saturation), 0)
    noise = camera.noise * (2.2 if light.night else 1.0)
    grain = rng.standard_normal(image.shape, dtype=np.float32)
    if light.infrared:
        grain = grain[..., :1]
    image = np.maximum(image + grain * np.float32(noise) * np.sqrt(image + 0.05), 0)
    levels = _tone(camera, image)
    if camera.sharpen:
        soft = cv2.GaussianBlur(levels, (0, 0), 1.0)
        levels = levels + np.float32(camera.sharpen) * (levels - soft)
    coded = (np.clip(levels, 0, 1) * 255).astype(np.uint8)
    if camera.denoise:
        coded = np.asarray(cv2.medianBlur(coded, 3), np.uint8)
    if camera.tone == Tone.LOCAL:
        coded = _equalise(coded)
    mode = cv2.INTER_AREA if height > out[0] else cv2.INTER_LINEAR
    return np.asarray(_resize(_recompress(coded, camera.quality), (out[1], out[0]), mode), np.uint8)


def _resize(image: NDArray[Any], size: tuple[int, int], mode: int) -> NDArray[Any]:
    return np.asarray(cv2.resize(image, size, interpolation=mode))


def _recompress(picture: Picture, quality: int) -> Picture:
    """What is left of an RGB picture after JPEG."""
    _, data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(decoded[:, :, ::-1], np.uint8)


def _vignette(camera: Camera, crop: Floats, height: int, width: int) -> Floats:
    """Falloff [H, W, 1] from the image's centre to its corners."""
    cx, cy = float(camera.pose[13]), float(camera.pose[14])
    x = (np.linspace(crop[0], crop[2], width, dtype=np.float32) - cx) / cx
    y = (np.linspace(crop[1], crop[3], height, dtype=np.float32) - cy) / cx
    radius = x[None] ** 2 + y[:, None] ** 2
    return np.asarray(1 - np.float32(camera.vignette) * 0.75 * radius, np.float32)[..., None]


def _tone(camera: Camera, image: Floats) -> Floats:
    power = np.float32(camera.gamma / 2.2)
    if camera.tone == Tone.FILMIC:
        levels = np.clip(image / (1 + 0.18 * image) * 1.08, 0, 1) ** power
    elif camera.tone == Tone.HARD:
        levels = np.clip(image * 1.1, 0, 1) ** power
    else:
        levels = np.clip(image * 1.5 / (1 + 0.55 * image), 0, 1) ** power
    share = np.float32(camera.contrast * (0.3 if camera.tone == Tone.FLAT else 1.0))
    levels = levels * (1 - share) + share * (levels * levels * (3 - 2 * levels))
    return np.asarray(np.float32(camera.black) + levels * np.float32(1 - camera.black), np.float32)


def _equalise(picture: Picture) -> Picture:
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(1.6, (4, 4)).apply(lab[..., 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)
