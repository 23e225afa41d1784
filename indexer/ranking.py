"""From nearest vectors to ranked identities.

A search asks for distinct identities, and one identity may own thousands of the nearest vectors. So
the search widens until enough identities are settled: everything not yet seen scores below them.
Then identities are ordered by their best tracklet, exactly; or, of the `CONSIDERED` whose best
tracklets are nearest, by what their tracklets say together, or by common neighbours.
Order never depends on the layout: by score, then by tracklet id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.records import IdentityScoring, Search
from indexer.reranking import CANDIDATES, Strangeness
from indexer.vectors import Mask, Nearest

UNLABELLED = -1

CONSIDERED: Final = 30
"""Identities, or twice as many as are wanted, that are ordered by more than their best tracklet."""

_FIRST_K = 128
_WIDENING = 4


class Searchable(Protocol):
    """Vectors with a label and an id by position."""

    @property
    def labels(self) -> NDArray[np.int32]:
        """Identity numbers; `UNLABELLED` for none."""

    @property
    def cameras(self) -> NDArray[np.int32]:
        """Camera numbers; -1 for none."""

    @property
    def ids(self) -> Sequence[str]: ...

    def nearest(self, query: NDArray[np.float32], k: int, allowed: Mask | None) -> Nearest: ...

    def scores(
        self, query: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> NDArray[np.float32]: ...

    def templates(
        self, members: Mapping[int, NDArray[np.int64]]
    ) -> Mapping[int, NDArray[np.float32]]:
        """By label, the direction [D] of the sum of its vectors at these positions."""


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


@dataclass(frozen=True)
class Place:
    """One place of the ranking."""

    score: float
    hits: list[Candidate]
    """Its best tracklets, best first."""
    compared: int
    """Tracklets of it that passed the filter."""


def rank(
    view: Searchable,
    query: NDArray[np.float32],
    wanted: Search,
    allowed: Mask | None,
    *,
    identity: IdentityScoring = "best",
    strange: Strangeness | None = None,
) -> list[Place]:
    """The best `top_k` places, best first, each with its best tracklets, best first.

    `query` is float32 [D]. Nothing outside `allowed` and nothing below `min_score` appears.
    `strange` re-ranks.
    """
    is_plain = identity == "best" and strange is None
    count = wanted.top_k
    if not is_plain:
        count = max(2 * wanted.top_k, CONSIDERED if strange is None else CANDIDATES)
    least = wanted.min_score if identity == "best" else None
    groups, floor = _nearest_groups(view, query, allowed, count, least)
    scored = _Scored(view, query, allowed, identity).all(groups)
    if wanted.min_score is not None:
        scored = [(score, group) for score, group in scored if score >= wanted.min_score]
    if not is_plain:
        scored.sort(key=lambda one: _order(one[0], one[1], strange))
    chosen = [group for _, group in scored[: wanted.top_k]]
    _complete(chosen, view, query, wanted, allowed, floor, least)
    compared = _members(view, allowed)
    return [
        Place(
            score=score,
            hits=group[: wanted.tracklets_per_identity],
            compared=1 if group[0].label == UNLABELLED else int(compared[group[0].label]),
        )
        for (score, _), group in zip(scored, chosen, strict=False)
    ]


def nearest_candidates(
    view: Searchable, query: NDArray[np.float32], allowed: Mask | None, count: int
) -> list[Candidate]:
    """The `count` nearest vectors, or all, best first: exactly, by score and id."""
    k = 2 * count
    while True:
        nearest = view.nearest(query, k, allowed)
        seen = sorted(_candidates(view, query, nearest.positions), key=lambda one: one.order)
        if nearest.floor == -np.inf or (len(seen) >= count and seen[count - 1][0] > nearest.floor):
            return seen[:count]
        k *= _WIDENING


def _nearest_groups(
    view: Searchable,
    query: NDArray[np.float32],
    allowed: Mask | None,
    count: int,
    least: float | None,
) -> tuple[list[list[Candidate]], float]:
    """The `count` groups with the nearest best members, and the score above which all were seen."""
    k = _FIRST_K
    while True:
        nearest = view.nearest(query, k, allowed)
        groups = _grouped(_candidates(view, query, nearest.positions), least)
        if _settled(groups, nearest.floor, count, least):
            return groups[:count], nearest.floor
        k *= _WIDENING


def _settled(groups: list[list[Candidate]], floor: float, count: int, least: float | None) -> bool:
    """Whether no vector unseen so far (score <= floor) can change which groups come first."""
    if floor == -np.inf or (least is not None and floor < least):
        return True
    return len(groups) >= count and groups[count - 1][0].score > floor


def _order(
    score: float, group: list[Candidate], strange: Strangeness | None
) -> tuple[float, float, str]:
    """Best first; ties by the best tracklet's score and id."""
    if strange is None:
        return -score, *group[0].order
    return strange.distance((one.position for one in group), score), *group[0].order


@dataclass(frozen=True)
class _Scored:
    """Gives identities their scores."""

    view: Searchable
    query: NDArray[np.float32]
    allowed: Mask | None
    identity: IdentityScoring

    def all(self, groups: list[list[Candidate]]) -> list[tuple[float, list[Candidate]]]:
        """Every group with its identity's score, in the order given."""
        if self.identity == "best":
            return [(group[0].score, group) for group in groups]
        members = self._members({group[0].label for group in groups} - {UNLABELLED})
        several = {label: places for label, places in members.items() if len(places) > 1}
        one = self._templates if self.identity == "template" else self._camera_means
        scores = one(several)
        return [(scores.get(group[0].label, group[0].score), group) for group in groups]

    def _members(self, labels: set[int]) -> dict[int, NDArray[np.int64]]:
        """Positions by label."""
        members = np.isin(self.view.labels, sorted(labels))
        if self.allowed is not None:
            members &= self.allowed
        places = np.flatnonzero(members)
        places = places[np.argsort(self.view.labels[places], kind="stable")]
        label, start = np.unique(self.view.labels[places], return_index=True)
        parts = np.split(places, start[1:]) if len(label) else []
        return dict(zip(label.tolist(), parts, strict=True))

    def _templates(self, members: Mapping[int, NDArray[np.int64]]) -> dict[int, float]:
        wide = self.query.astype(np.float64)
        return {
            label: float(np.float32(min(float(template.astype(np.float64) @ wide), 1.0)))
            for label, template in self.view.templates(members).items()
        }

    def _camera_means(self, members: Mapping[int, NDArray[np.int64]]) -> dict[int, float]:
        if not members:
            return {}
        scores = self.view.scores(self.query, np.concatenate(list(members.values())))
        ends = np.cumsum([len(places) for places in members.values()])
        found = {}
        for (label, places), own in zip(members.items(), np.split(scores, ends[:-1]), strict=True):
            cameras, which = np.unique(self.view.cameras[places], return_inverse=True)
            best = np.full(len(cameras), -np.inf)
            np.maximum.at(best, which, own)
            found[label] = float(np.float32(best.mean()))
        return found


def _members(view: Searchable, allowed: Mask | None) -> NDArray[np.int64]:
    """How many allowed vectors each label has, by label."""
    labels = view.labels if allowed is None else view.labels[allowed]
    return np.bincount(labels[labels != UNLABELLED], minlength=1)


def _complete(
    chosen: list[list[Candidate]],
    view: Searchable,
    query: NDArray[np.float32],
    wanted: Search,
    allowed: Mask | None,
    floor: float,
    least: float | None,
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
    whole = {group[0].label: group for group in _grouped(everyone, least)}
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


def _grouped(candidates: list[Candidate], least: float | None) -> list[list[Candidate]]:
    """Groups in the order of their best member, members best first."""
    groups: dict[tuple[int, int], list[Candidate]] = {}
    for one in sorted(candidates, key=lambda one: one.order):
        if least is None or one.score >= least:
            groups.setdefault(one.group, []).append(one)
    return list(groups.values())
