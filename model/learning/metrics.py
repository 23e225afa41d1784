"""Retrieval and verification metrics of re-identification, from similarities alone.

A query's own gallery leaves out what has its identity *and* its camera, and what lies outside the
protocol's scope; distractors stay, as impostors. Equal similarities keep the gallery's order (a
stable sort). A query without a match in its gallery is not valid: it has no rank, no average
precision, and counts only in "all".
Axis letters: Q queries, G gallery items.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.datasets.tracklets import Scope

CMC_RANKS = (1, 5, 10, 20)
FALSE_POSITIVE_RATES = (1e-2, 1e-3, 1e-4)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Labels:
    """Who is on which side of a comparison, and which camera saw them where: int64 [n] each.

    `places` are needed only where a scope asks for them.
    """

    identities: Ints
    cameras: Ints
    places: Ints | None = None

    def __len__(self) -> int:
        return len(self.identities)


@dataclass(frozen=True)
class Retrieval:
    """What became of each query; entries of queries without a match are 0 (and `valid` False)."""

    valid: Bools
    """[Q]"""
    first_match: Ints
    """[Q], 1-based rank of the best match."""
    average_precision: Floats
    """[Q]"""
    inverse_penalty: Floats
    """[Q], matches / rank of the last match (mINP is their mean)."""

    def scores(self, *, ranks: tuple[int, ...] = CMC_RANKS) -> dict[str, float]:
        """Means over the valid queries: rank-k, mAP, mINP. Raises ValueError where none is."""
        return weighted_scores(self, self.valid.astype(np.float64), ranks=ranks)


def comparable(query: Labels, gallery: Labels, scope: Scope = "everywhere") -> Bools:
    """[Q, G], False where the same identity was seen by the same camera, and outside the scope."""
    return np.stack([comparable_with(query, gallery, q, scope) for q in range(len(query))])


def comparable_with(query: Labels, gallery: Labels, q: int, scope: Scope = "everywhere") -> Bools:
    """Row q of `comparable`: [G]. Raises ValueError for a scope without places."""
    same = gallery.identities == query.identities[q]
    allowed = np.asarray(~(same & (gallery.cameras == query.cameras[q])))
    if scope == "everywhere":
        return allowed
    if query.places is None or gallery.places is None:
        raise ValueError(f"the scope {scope!r} needs places")
    here = gallery.places == query.places[q]
    return np.asarray(allowed & (here if scope == "same place" else ~here))


def retrieve(
    similarity: NDArray[np.floating],
    query: Labels,
    gallery: Labels,
    scope: Scope = "everywhere",
) -> Retrieval:
    """Rank the gallery for every query by similarity [Q, G] (larger is nearer)."""
    Q = len(query)
    valid = np.zeros(Q, np.bool_)
    first = np.zeros(Q, np.int64)
    precision, penalty = np.zeros(Q), np.zeros(Q)
    for q in range(Q):
        places = match_places(similarity[q], query, gallery, q, scope)
        if not len(places):
            continue
        valid[q], first[q] = True, places[0]
        precision[q] = np.mean(np.arange(1, len(places) + 1) / places)
        penalty[q] = len(places) / places[-1]
    return Retrieval(valid, first, precision, penalty)


def match_places(
    similarity: NDArray[np.floating],
    query: Labels,
    gallery: Labels,
    q: int,
    scope: Scope = "everywhere",
) -> NDArray[np.int64]:
    """1-based places of query q's matches in its own ranked gallery, from similarities [G]."""
    same = gallery.identities == query.identities[q]
    kept = comparable_with(query, gallery, q, scope)
    order = np.argsort(-similarity[kept], kind="stable")
    return np.flatnonzero(same[kept][order]) + 1


def weighted_scores(
    retrieval: Retrieval, weights: Floats, *, ranks: tuple[int, ...] = CMC_RANKS
) -> dict[str, float]:
    """`Retrieval.scores` with a weight [Q] for each query; invalid ones must weigh 0."""
    total = weights.sum()
    if total <= 0:
        raise ValueError("no query has a match in the gallery")
    rows = query_scores(retrieval, ranks=ranks)
    return {name: float(weights @ row / total) for name, row in rows.items()}


def query_scores(retrieval: Retrieval, *, ranks: tuple[int, ...] = CMC_RANKS) -> dict[str, Floats]:
    """What each query adds to each score, [Q]; nothing where it is not valid."""
    found = {
        f"rank-{k}": (retrieval.valid & (retrieval.first_match <= k)).astype(np.float64)
        for k in ranks
    }
    return found | {"mAP": retrieval.average_precision, "mINP": retrieval.inverse_penalty}


def true_positive_rates(
    similarity: NDArray[np.floating],
    query: Labels,
    gallery: Labels,
    *,
    scope: Scope = "everywhere",
    rates: tuple[float, ...] = FALSE_POSITIVE_RATES,
) -> dict[str, float | None]:
    """Share of genuine pairs accepted where at most `rate` of the impostor pairs are.

    Accepted means a similarity *above* the threshold, so that ties never pass the rate. A rate
    with less than one impostor pair behind it is None: nothing supports it.
    """
    usable = comparable(query, gallery, scope)
    same = query.identities[:, None] == gallery.identities
    genuine, impostor = similarity[usable & same], similarity[usable & ~same]
    answer: dict[str, float | None] = {}
    for rate in rates:
        accepted = int(rate * len(impostor) * (1 + 1e-12))
        supported = accepted >= 1 and len(genuine) > 0
        answer[f"TPR@FPR={rate:.0e}"] = None
        if supported:
            place = len(impostor) - 1 - accepted
            threshold = np.partition(impostor, place)[place]
            answer[f"TPR@FPR={rate:.0e}"] = float(np.mean(genuine > threshold))
    return answer
