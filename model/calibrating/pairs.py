"""Cosines of pairs of tracklets, with the people behind them.

Axis letters: T tracklets, D the embedding's width, G genuine pairs, I impostor pairs.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

UNKNOWN: Final = -1
"""Identity of a tracklet of which is only known that it shows none of the others' people."""

_ROWS: Final = 256


@dataclass(frozen=True)
class Pairs:
    """Pairs that were compared. People are known by number."""

    genuine: Floats
    """[G], cosines of two tracklets of the same person."""
    genuine_people: Ints
    """[G]"""
    impostor: Floats
    """[I], cosines of two tracklets of different people."""
    impostor_people: Ints
    """[I, 2]"""

    @property
    def people(self) -> int:
        """Distinct people in impostor pairs."""
        return len(np.unique(self.impostor_people))

    def among(self, people: Ints) -> "Pairs":
        """The pairs of these people only."""
        genuine = np.isin(self.genuine_people, people)
        impostor = np.isin(self.impostor_people, people).all(axis=1)
        return Pairs(
            self.genuine[genuine],
            self.genuine_people[genuine],
            self.impostor[impostor],
            self.impostor_people[impostor],
        )

    def halves(self, seed: int = 0) -> tuple["Pairs", "Pairs"]:
        """Two parts without a person in common; pairs between the two are in neither."""
        everybody = np.unique(np.concatenate([self.genuine_people, self.impostor_people.ravel()]))
        drawn = np.random.Generator(np.random.PCG64(seed)).permutation(everybody)
        middle = len(drawn) // 2
        return self.among(drawn[:middle]), self.among(drawn[middle:])


@dataclass(frozen=True)
class Population:
    """Pairs of one kind of world (or data set), with one number of frames."""

    name: str
    least_frames: int
    most_frames: int | None
    """Of the shorter tracklet of each pair; None: any more."""
    pairs: Pairs


def joined(parts: list[Pairs]) -> Pairs:
    """All pairs of several populations; whoever is numbered alike counts as one person."""
    return Pairs(
        np.concatenate([part.genuine for part in parts]),
        np.concatenate([part.genuine_people for part in parts]),
        np.concatenate([part.impostor for part in parts]),
        np.concatenate([part.impostor_people for part in parts]),
    )


def cross_camera_pairs(
    left: Floats, right: Floats, identities: Ints, cameras: Ints, places: Ints
) -> Pairs:
    """Every two tracklets that two different cameras of one place took, once.

    `left` and `right` are two embeddings [T, D] of the same T tracklets (of their first frames and
    of all of them, say): of each pair one tracklet is taken from either. Cameras of one place see
    the same streets and the same weather, as those of one gallery do.
    """
    parts = []
    for start in range(0, len(left), _ROWS):
        rows = np.arange(start, min(start + _ROWS, len(left)))
        compared = (
            (rows[:, None] < np.arange(len(right)))
            & (cameras[rows, None] != cameras)
            & (places[rows, None] == places)
            & ((identities[rows, None] != UNKNOWN) | (identities != UNKNOWN))
        )
        i, j = np.nonzero(compared)
        cosines = (left[rows] @ right.T)[i, j]
        people = np.stack([identities[rows[i]], identities[j]], axis=1)
        same = people[:, 0] == people[:, 1]
        parts.append(Pairs(cosines[same], people[same, 0], cosines[~same], people[~same]))
    return joined(parts)
