"""From nearest vectors to ranked identities, exactly.

A search asks for distinct identities, and one identity may own thousands of the nearest vectors. So
the search widens until enough identities are settled: everything not yet seen scores below them.
Order never depends on the layout: by score, then by tracklet id.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.records import Search
from indexer.vectors import Mask, Nearest

UNLABELLED = -1

_FIRST_K = 128
_WIDENING = 4


class Searchable(Protocol):
    """Vectors with a label and an id by position."""

    @property
    def labels(self) -> NDArray[np.int32]:
        """Identity numbers; `UNLABELLED` for none."""

    @property
    def ids(self) -> Sequence[str]: ...

    def nearest(self, query: NDArray[np.float32], k: int, allowed: Mask | None) -> Nearest: ...

    def scores(
        self, query: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> NDArray[np.float32]: ...


class Candidate(NamedTuple):
    """One vector that was compared."""

    score: float
    tracklet_id: str
    position: int
    label: int

    @property
    def order(self) -> tuple[float, str]:
        """Best first, ties by id."""
        return -self.score, self.tracklet_id

    @property
    def group(self) -> tuple[int, int]:
        """What shares a place in the ranking; an unlabelled tracklet stands alone."""
        return (self.label, -1 if self.label != UNLABELLED else self.position)


def rank(
    view: Searchable, query: NDArray[np.float32], wanted: Search, allowed: Mask | None
) -> list[list[Candidate]]:
    """The best `top_k` groups, best first, each with its best tracklets, best first.

    `query` is float32 [D]. Nothing outside `allowed` and nothing below `min_score` appears.
    """
    k = _FIRST_K
    while True:
        nearest = view.nearest(query, k, allowed)
        seen = _candidates(view, query, nearest.positions)
        groups = _grouped(seen, wanted.min_score)
        if _settled(groups, nearest.floor, wanted):
            break
        k *= _WIDENING
    chosen = groups[: wanted.top_k]
    _complete(chosen, view, query, wanted, allowed, nearest.floor)
    return [group[: wanted.tracklets_per_identity] for group in chosen]


def _settled(groups: list[list[Candidate]], floor: float, wanted: Search) -> bool:
    """Whether no vector unseen so far (score <= floor) can change which groups come first."""
    if floor == -np.inf or (wanted.min_score is not None and floor < wanted.min_score):
        return True
    return len(groups) >= wanted.top_k and groups[wanted.top_k - 1][0].score > floor


def _complete(
    chosen: list[list[Candidate]],
    view: Searchable,
    query: NDArray[np.float32],
    wanted: Search,
    allowed: Mask | None,
    floor: float,
) -> None:
    """Put all members into groups whose best tracklets may lie beyond what was seen."""
    short = [
        place
        for place, group in enumerate(chosen)
        if group[0].label != UNLABELLED
        and floor != -np.inf
        and sum(one.score > floor for one in group) < wanted.tracklets_per_identity
    ]
    members = np.isin(view.labels, [chosen[place][0].label for place in short])
    if allowed is not None:
        members &= allowed
    everyone = _candidates(view, query, np.flatnonzero(members)) if short else []
    whole = {group[0].label: group for group in _grouped(everyone, wanted.min_score)}
    for place in short:
        chosen[place] = whole[chosen[place][0].label]


def _candidates(
    view: Searchable, query: NDArray[np.float32], positions: NDArray[np.int64]
) -> list[Candidate]:
    labels = view.labels[positions].tolist()
    return [
        Candidate(score, view.ids[position], position, label)
        for score, position, label in zip(
            view.scores(query, positions).tolist(), positions.tolist(), labels, strict=True
        )
    ]


def _grouped(candidates: list[Candidate], min_score: float | None) -> list[list[Candidate]]:
    """Groups in the order of their best member, members best first."""
    groups: dict[tuple[int, int], list[Candidate]] = {}
    for one in sorted(candidates, key=lambda one: one.order):
        if min_score is None or one.score >= min_score:
            groups.setdefault(one.group, []).append(one)
    return list(groups.values())
