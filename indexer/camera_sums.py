"""How many embeddings there are, and their sums, kept so that taking one out leaves no trace.

Sums of floats depend on their order, and adding and subtracting the same value may not cancel. So
these are whole numbers: a float16 of a unit vector is a multiple of 2^-24, and its square, rounded
to a multiple of 2^-32, is a function of the value alone. Adding and subtracting are then exact in
any order, and what is left is bit for bit what the remaining embeddings give by themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

_VALUE: Final = 2.0**24
_SQUARE: Final = 2.0**32

BYTES_PER_COMPONENT: Final = 8


@dataclass(frozen=True)
class Sums:
    """Sums over `count` embeddings of width D; differences of sums may have a negative count.

    int64 holds two billion unit vectors.
    """

    count: int
    values: NDArray[np.int64]
    """[D], in units of 2^-24."""
    squares: NDArray[np.int64]
    """[D], in units of 2^-32."""

    @classmethod
    def empty(cls, width: int) -> Self:
        return cls(0, np.zeros(width, np.int64), np.zeros(width, np.int64))

    @classmethod
    def of(cls, vectors: NDArray[np.float16]) -> Self:
        """Of finite vectors [n, D]."""
        wide = vectors.astype(np.float64)
        return cls(
            count=len(wide),
            values=(wide * _VALUE).astype(np.int64).sum(axis=0),
            squares=np.rint(wide * wide * _SQUARE).astype(np.int64).sum(axis=0),
        )

    @classmethod
    def from_bytes(cls, count: int, values: bytes, squares: bytes) -> Self:
        return cls(count, np.frombuffer(values, "<i8"), np.frombuffer(squares, "<i8"))

    def to_bytes(self) -> tuple[int, bytes, bytes]:
        """Count, values and squares; little-endian."""
        return self.count, self.values.astype("<i8").tobytes(), self.squares.astype("<i8").tobytes()

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.count + other.count, self.values + other.values, self.squares + other.squares
        )

    def __neg__(self) -> "Sums":
        return Sums(-self.count, -self.values, -self.squares)

    def __sub__(self, other: "Sums") -> "Sums":
        return self + -other

    @property
    def mean(self) -> NDArray[np.float64]:
        """[D]; the count must be positive."""
        return self.values / (_VALUE * self.count)

    @property
    def variance(self) -> NDArray[np.float64]:
        """[D], of each component, without correction for the count."""
        mean = self.mean
        return np.maximum(self.squares / (_SQUARE * self.count) - mean * mean, 0.0)


def joined(vectors: Sequence[bytes], width: int) -> NDArray[np.float16]:
    """Stored float16 vectors as one array [n, D]."""
    return np.frombuffer(b"".join(vectors), dtype="<f2").reshape(-1, width)
