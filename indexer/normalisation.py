"""What is taken from embeddings before they are compared: the part that is the camera's.

For camera c with n embeddings of mean m, and the mean g over cameras:

    x' = (x - g - w (m - g)) / |x - g - w (m - g)|,    w = e / (e + 15)

An embedding without a camera, or of one with no sums, has only g taken from it. The mean of a few
people is mostly these people, and taking it away would take away who they are. So what counts is
not n but e, how many different people the embeddings are worth: the mean of e people keeps 1 / e of
the variance among people, which is then missing from the variance in the camera. Hundreds of
tracklets of one person who stands there all day are worth one. docs/accuracy.md has the
measurements that chose this.

Everything here is a function of the sums alone, so a rebuild gives the same bits.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from indexer.camera_sums import Sums

SHRINKAGE: Final = 15
"""How many people a camera's mean must be worth to be taken by half: w = e / (e + SHRINKAGE)."""
LEAST_WORTH: Final = 6.0
"""People that a camera's mean is worth at least, or it is not taken."""
WITHIN: Final = 0.95
"""Variance in a camera before which everybody walks, as a share of the variance in all."""

_ENOUGH: Final = 50
"""People beyond which a camera counts no more for g: one busy camera is not the world."""
_GRID: Final = 2.0**-9
"""g is rounded to this, so that one embedding more or less hardly ever changes it for all."""
_SHORT: Final = 1e-3
"""Length below which what is left of an embedding is no direction."""

RAW: Final = "raw"
"""Digest of what takes nothing."""

Shift = NDArray[np.float32]


@dataclass(frozen=True)
class Normalisation:
    """One generation of camera-normalised scoring. Vectors of two of them are never compared."""

    generation: int
    """The generation of the store at which its sums were frozen."""
    common: Shift
    """[D], g."""
    shifts: Mapping[str, Shift]
    """[D] by camera; cameras that are not in here have only g taken."""

    @classmethod
    def none(cls, width: int, generation: int = 0) -> Self:
        """Leaves every vector as it is."""
        return cls(generation, np.zeros(width, np.float32), {})

    @classmethod
    def of(cls, sums: Mapping[str, Sums], width: int, generation: int) -> Self:
        """From the frozen sums of each camera, of at least two embeddings each.

        With fewer than two cameras to compare it takes nothing.
        """
        if len(sums) < 2:
            return cls.none(width, generation)
        counts = np.array([one.count for one in sums.values()], np.float64)
        means = np.stack([one.mean for one in sums.values()])
        spreads = np.array([one.variance.sum() for one in sums.values()])
        worth = _worth(counts, spreads, _middle(means, np.minimum(counts, _ENOUGH)))
        known = worth >= LEAST_WORTH
        if not known.any():
            return cls.none(width, generation)
        common = np.rint(_middle(means, np.minimum(worth, _ENOUGH)) / _GRID) * _GRID
        own = (worth / (worth + SHRINKAGE))[:, None] * (means - common)
        shifts = {
            camera: (common + own[place]).astype(np.float32)
            for place, camera in enumerate(sums)
            if known[place]
        }
        return cls(generation, common.astype(np.float32), shifts)

    @property
    def is_active(self) -> bool:
        """Whether it takes anything at all."""
        return bool(self.shifts)

    def shift(self, camera: str | None) -> Shift:
        """[D], what it takes from an embedding of that camera."""
        return self.common if camera is None else self.shifts.get(camera, self.common)

    def stored(
        self, vectors: NDArray[np.float16], cameras: Sequence[str | None]
    ) -> NDArray[np.float16]:
        """Stored vectors [n, D] as they are compared, of unit length; float16 again."""
        if not self.is_active or not len(vectors):
            return vectors
        taken = np.stack([self.shift(camera) for camera in cameras])
        return _normal(vectors.astype(np.float32), taken).astype("<f2")

    def query(self, vector: NDArray[np.float32], camera: str | None) -> NDArray[np.float32]:
        """A query's unit vector [D] as it is compared."""
        if not self.is_active:
            return vector
        normal: NDArray[np.float32] = _normal(vector[None], self.shift(camera)[None])[0]
        return normal

    def distance(self, other: "Normalisation") -> float:
        """The furthest that any camera's embeddings have moved from one to the other.

        In units of what is left of an embedding once g is taken, because some models press all
        embeddings into a small part of the sphere. Infinite where only one of them takes anything.
        """
        if self.is_active != other.is_active:
            return float("inf")
        cameras: list[str | None] = [None, *(self.shifts.keys() | other.shifts.keys())]
        steps = (self.shift(camera) - other.shift(camera) for camera in cameras)
        left = np.sqrt(max(1 - float((other.common.astype(np.float64) ** 2).sum()), _SHORT**2))
        return max(float(np.sqrt((step.astype(np.float64) ** 2).sum()) / left) for step in steps)

    def differs(self, other: "Normalisation", camera: str | None) -> bool:
        """Whether they give other bits for embeddings of that camera."""
        if self.is_active != other.is_active:
            return True
        return not np.array_equal(self.shift(camera), other.shift(camera))

    def digest(self) -> str:
        """Equal for equal shifts; `RAW` where nothing is taken."""
        if not self.is_active:
            return RAW
        parts = [self.common.tobytes()]
        parts += [camera.encode() + self.shifts[camera].tobytes() for camera in sorted(self.shifts)]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _middle(means: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted mean [D] of the cameras' means [C, D]."""
    middle: NDArray[np.float64] = (weights[:, None] * means).sum(axis=0) / weights.sum()
    return middle


def _worth(
    counts: NDArray[np.float64], spreads: NDArray[np.float64], middle: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How many people the mean of each camera is worth: [C], from 1 to its count.

    From its variance, uncorrected for the count; that of all unit vectors around g is 1 - |g|^2.
    """
    whole = WITHIN * max(1 - float((middle * middle).sum()), 1e-9)
    missing = np.maximum(1 - spreads / whole, 1e-9)
    return np.clip(1 / missing, 1, counts)


def _normal(vectors: NDArray[np.float32], taken: NDArray[np.float32]) -> NDArray[np.float32]:
    left = vectors - taken
    lengths = np.sqrt((left * left).sum(axis=1, keepdims=True, dtype=np.float32))
    # What coincides with its camera's mean says nothing; it is compared as it came.
    normal: NDArray[np.float32] = np.where(
        lengths < _SHORT, vectors, left / np.maximum(lengths, np.float32(_SHORT))
    )
    return normal
