"""What is taken from embeddings before they are compared: the part that is the camera's.

For camera c with n embeddings of mean m, and the mean g over cameras:

    x' = (x - g - f w (m - g)) / |x - g - f w (m - g)|,    w = n / (n + 10)

An embedding without a camera, or of one with no sums, has only g taken from it. The mean of a few
people is mostly these people, and taking it away would take away who they are; so the
trust f falls from 1 to 0 as the embeddings of a camera vary less around their mean than embeddings
vary in all: half as much where one person stands in front of it all day. Cameras without trust do
not count in g. docs/accuracy.md has the measurements.

Everything here is a function of the sums alone, so a rebuild gives the same bits.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from indexer.camera_sums import Sums

SHRINKAGE: Final = 10
"""How many embeddings of their own weigh as much as none: w = n / (n + SHRINKAGE)."""
NO_TRUST, FULL_TRUST = 0.7, 0.9
"""Bounds of (variance in the camera) / (variance in all) between which f rises from 0 to 1."""

_ENOUGH: Final = 50
"""Embeddings beyond which a camera counts no more for g: one busy camera is not the world."""
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
        spreads = np.array([one.variance.sum() for one in sums.values()]) * counts / (counts - 1)
        weights = np.minimum(counts, _ENOUGH)
        trust = _trust(spreads, _middle(means, weights))
        if np.count_nonzero(trust) < 2:
            return cls.none(width, generation)
        common = np.rint(_middle(means, weights * trust) / _GRID) * _GRID
        own = (trust * counts / (counts + SHRINKAGE))[:, None] * (means - common)
        shifts = {
            camera: (common + own[place]).astype(np.float32)
            for place, camera in enumerate(sums)
            if trust[place] > 0
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

        Unit vectors are 2 apart at most; infinite where only one of them takes anything.
        """
        if self.is_active != other.is_active:
            return float("inf")
        cameras: list[str | None] = [None, *(self.shifts.keys() | other.shifts.keys())]
        steps = (self.shift(camera) - other.shift(camera) for camera in cameras)
        return max(float(np.sqrt((step.astype(np.float64) ** 2).sum())) for step in steps)

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


def _trust(spreads: NDArray[np.float64], middle: NDArray[np.float64]) -> NDArray[np.float64]:
    """f of each camera, from its variance [C]; that of all unit vectors around g is 1 - |g|^2."""
    whole = max(1 - float((middle * middle).sum()), 1e-9)
    trust: NDArray[np.float64] = (spreads / whole - NO_TRUST) / (FULL_TRUST - NO_TRUST)
    return np.clip(trust, 0, 1)


def _normal(vectors: NDArray[np.float32], taken: NDArray[np.float32]) -> NDArray[np.float32]:
    left = vectors - taken
    lengths = np.sqrt((left * left).sum(axis=1, keepdims=True, dtype=np.float32))
    # What coincides with its camera's mean says nothing; it is compared as it came.
    normal: NDArray[np.float32] = np.where(
        lengths < _SHORT, vectors, left / np.maximum(lengths, np.float32(_SHORT))
    )
    return normal
