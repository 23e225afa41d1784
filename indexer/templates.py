"""One direction per identity, from all of its vectors: what `template` scoring compares with.

Sums of float16 are exact in float64, so a template depends on its tracklets alone, not on the order
in which they came. Those of large identities are remembered until one of their tracklets comes,
goes, or changes its vector.
"""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

_REMEMBERED: Final = 16
"""Tracklets from which a template is remembered: it then takes little room beside them."""
_AT_ONCE: Final = 1024

Read = Callable[[NDArray[np.int64]], NDArray[np.float16]]


class Templates:
    """Those of one view. Searches may share it; changes need it alone."""

    def __init__(self) -> None:
        self._known: dict[int, NDArray[np.float64]] = {}

    def of(
        self, label: int, positions: NDArray[np.int64], whole: int, read: Read
    ) -> NDArray[np.float64]:
        """The unit vector [D] of an identity's vectors at these positions: all, or some of them.

        `whole` is how many the identity has.
        """
        if len(positions) == whole and label in self._known:
            return self._known[label]
        total = np.zeros(0)
        for start in range(0, len(positions), _AT_ONCE):
            part = read(positions[start : start + _AT_ONCE]).sum(axis=0, dtype=np.float64)
            total = part if not start else total + part
        length = float(np.sqrt((total * total).sum()))
        # Vectors that cancel out have no direction in common: a cosine of 0 with everything.
        template = total / length if length else total
        if len(positions) == whole >= _REMEMBERED:
            self._known[label] = template
        return template

    def forget(self, labels: Iterable[int]) -> None:
        """Something has changed about these identities."""
        for label in labels:
            self._known.pop(label, None)

    def forget_all(self) -> None:
        """All vectors are others."""
        self._known.clear()
