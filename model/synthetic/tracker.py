"""Boxes as a detector and a tracker would give them: shaky, biased, late, sometimes wrong."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.synthetic.seeding import chance

Floats = NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True)
class BoxStyle:
    """Statistics of one kind of tracker; lengths are fractions of the person's height."""

    margin: float
    shake: tuple[float, float, float, float]
    """of centre x, centre y, log height, log width"""
    bias: tuple[float, float, float, float]
    drift: float
    """log of the scale's change over a tracklet"""
    lag: float
    """share of the last box that the next one keeps"""
    cut_rate: float
    """tracklets whose boxes leave out feet or head"""
    aspect: float
    """least width over height"""
    grid: int
    """boxes snap to this many pixels"""


def sample_jumps(rng: Rng, frames: int, rate: float) -> NDArray[np.bool_]:
    """Frames in which the tracker is on something else: single ones, and rarely a run."""
    jumps = rng.random(frames) < rate
    if frames > 2 and chance(rng, rate):
        start = int(rng.integers(1, frames))
        jumps[start : start + max(1, frames // 4)] = True
    if jumps.sum() > frames // 2:
        jumps[:] = False
    return np.asarray(jumps)


class BoxWalk:
    """The boxes of one tracklet, frame by frame."""

    def __init__(self, rng: Rng, style: BoxStyle, frames: int, difficulty: float) -> None:
        self._rng, self._style, self._frames = rng, style, max(frames - 1, 1)
        self._shake = difficulty * np.array(style.shake) * rng.uniform(0.3, 1.6)
        self._bias = difficulty * rng.normal(0, style.bias)
        # Now and then the scale runs away, from the whole person to head and shoulders.
        self._drift = difficulty * float(np.clip(rng.standard_t(3) * style.drift, -1, 1))
        self._error = np.zeros(4)
        self._last: Floats | None = None
        self._cut = self._sample_cut(difficulty)
        self._count = 0

    def _sample_cut(self, difficulty: float) -> tuple[float, float]:
        """Shares of the height that stay outside above and below."""
        if not chance(self._rng, self._style.cut_rate * difficulty):
            return 0.0, 0.0
        if chance(self._rng, 0.75):
            return 0.0, float(self._rng.uniform(0.12, 0.55))
        return float(self._rng.uniform(0.06, 0.16)), 0.0

    def next(self, bounds: Floats, image: tuple[int, int]) -> Floats:
        """The box (x0, y0, x1, y1) given for a person with `bounds`, inside `image` (H, W)."""
        style, rng = self._style, self._rng
        self._error = 0.8 * self._error + 0.6 * rng.normal(0, 1, 4) * self._shake
        error = self._error + self._bias
        tall = float(bounds[3] - bounds[1])
        above, below = self._cut
        # What is cut at the start may come back as the scale drifts, and the other way round.
        relax = 1.0 if self._drift <= 0 else 1 - 0.6 * self._count / self._frames
        top = bounds[1] + above * relax * tall
        bottom = bounds[3] - below * relax * tall
        height = (bottom - top) * style.margin
        width = max(float(bounds[2] - bounds[0]) * style.margin * 1.02, height * style.aspect)
        grow = math.exp(error[2] + self._drift * (self._count / self._frames - 0.5))
        x = (bounds[0] + bounds[2]) / 2 + error[0] * tall
        y = (top + bottom) / 2 + error[1] * tall
        height *= grow
        width *= math.exp(error[3]) * grow
        box = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2], np.float32)
        if self._last is not None:
            box = (1 - style.lag) * box + style.lag * self._last
        self._last = box
        self._count += 1
        return _inside(box, image, style.grid)


def stray_box(rng: Rng, bounds: Floats, image: tuple[int, int]) -> Floats:
    """A box of similar size on whatever is near."""
    height, width = bounds[3] - bounds[1], bounds[2] - bounds[0]
    shift = rng.choice([-1, 1]) * rng.uniform(0.3, 0.8) * height
    offset = np.array([shift, 0.1 * height, shift, 0.1 * height], np.float32)
    grow = np.array([-0.1, -0.1, 0.1, 0.1], np.float32) * np.array([width, height, width, height])
    return _inside((bounds + offset + grow * rng.uniform(-1, 2)).astype(np.float32), image, 1)


def _inside(box: Floats, image: tuple[int, int], grid: int) -> Floats:
    height, width = image
    x0, y0 = np.clip(box[0], 0, width - 20), np.clip(box[1], 0, height - 40)
    x1, y1 = np.clip(box[2], x0 + 14, width), np.clip(box[3], y0 + 28, height)
    clipped = np.array([x0, y0, x1, y1], np.float32)
    return np.asarray(np.round(clipped / grid) * grid if grid > 1 else clipped, np.float32)
