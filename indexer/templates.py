"""One direction per identity, from all of its vectors: what `template` scoring compares with.

Sums of float16 are exact in float64, so a template depends on its tracklets alone, not on the order
in which they came. Those of large identities are remembered until one of their tracklets comes,
goes, or changes its vector.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

_REMEMBERED: Final = 16
"""Tracklets from which a template is remembered: it then takes little room beside them."""
_AT_ONCE: Final = 1024

Positions = NDArray[np.int64]
Read = Callable[[Positions], NDArray[np.float16]]


class Templates:
    """Those of one view. Searches may share it; changes need it alone."""

    def __init__(self) -> None:
        self._known: dict[int, NDArray[np.float32]] = {}

    def of(
        self, members: Mapping[int, Positions], whole: NDArray[np.int64], read: Read
    ) -> dict[int, NDArray[np.float32]]:
        """Unit vectors [D] by label: of the vectors at these positions, all or some of a label's.

        `whole` has by label how many there are in all.
        """
        found, wanted = {}, {}
        for label, positions in members.items():
            is_whole = len(positions) == whole[label]
            if is_whole and label in self._known:
                found[label] = self._known[label]
            else:
                wanted[label] = positions
        for label, total in _sums(wanted, read).items():
            length = np.sqrt((total * total).sum())
            # Vectors that cancel out have no direction in common: a cosine of 0 with everything.
            found[label] = (total / length if length else total).astype(np.float32)
            if len(members[label]) == whole[label] >= _REMEMBERED:
                self._known[label] = found[label]
        return found

    def forget(self, labels: Iterable[int]) -> None:
        """Something has changed about these identities."""
        for label in labels:
            self._known.pop(label, None)

    def forget_all(self) -> None:
        """All vectors are others."""
        self._known.clear()


def _sums(members: Mapping[int, Positions], read: Read) -> dict[int, NDArray[np.float64]]:
    """The sum [D] of each label's vectors, read many at a time."""
    if not members:
        return {}
    totals: dict[int, NDArray[np.float64]] = {}
    positions = np.concatenate(list(members.values()))
    labels = np.repeat(list(members), [len(some) for some in members.values()])
    for start in range(0, len(positions), _AT_ONCE):
        part = read(positions[start : start + _AT_ONCE]).astype(np.float64)
        mine = labels[start : start + _AT_ONCE]
        first = np.flatnonzero(np.append(True, mine[1:] != mine[:-1]))
        for label, some in zip(mine[first].tolist(), np.add.reduceat(part, first), strict=True):
            totals[label] = totals[label] + some if label in totals else some
    return totals
