"""A data set's protocols -> figures, with the rank of every query."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.datasets.tracklets import Protocol, TrackletSource, cameras, identities, places
from model.errors import InvalidParameter
from model.learning import bootstrap
from model.learning.embed import ClipEmbedder, embed_tracklets
from model.learning.metrics import (
    Labels,
    Retrieval,
    comparable_with,
    retrieve,
    true_positive_rates,
)
from model.learning.rerank import GalleryGraph

TEST_FRAMES = 32
"""Section 4.2."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ProtocolReport:
    """One protocol's figures. Scores are means over the queries that have a match."""

    protocol: str
    queries: int
    gallery: int
    compared: float
    """Mean number of the gallery's tracklets that a valid query was compared with."""
    scores: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    """95 %, over identities."""
    verification: dict[str, float | None]
    reranked: dict[str, float] | None
    """Scores after k-reciprocal re-ranking of one query at a time."""
    retrieval: Retrieval
    identities: NDArray[np.int64]
    """Of the queries."""

    @property
    def valid_queries(self) -> int:
        """Those with a match in their gallery."""
        return int(self.retrieval.valid.sum())

    def as_json(self) -> dict[str, Any]:
        """All of it; a query without a match has rank null."""
        rows = self.retrieval
        ranks = [int(r) if ok else None for r, ok in zip(rows.first_match, rows.valid, strict=True)]
        return {
            "protocol": self.protocol,
            "queries": self.queries,
            "valid_queries": self.valid_queries,
            "gallery": self.gallery,
            "compared": self.compared,
            "scores": self.scores,
            "intervals_95": {name: list(bounds) for name, bounds in self.intervals.items()},
            "verification": self.verification,
            "reranked": self.reranked,
            "per_query": {
                "identity": self.identities.tolist(),
                "first_match_rank": ranks,
                "average_precision": rows.average_precision.tolist(),
                "inverse_penalty": rows.inverse_penalty.tolist(),
            },
        }


@dataclass(frozen=True)
class Embedded:
    """A protocol and its unit vectors: query [Q, D], gallery [G, D]."""

    protocol: Protocol
    query: Floats
    gallery: Floats

    def report(self, *, rerank: bool = False) -> ProtocolReport:
        """Raises `InvalidParameter` where no query has a match."""
        asked, held = labels(self.protocol.query), labels(self.protocol.gallery)
        scope = self.protocol.scope
        similarity = self.query @ self.gallery.T
        retrieval = retrieve(similarity, asked, held, scope)
        if not retrieval.valid.any():
            raise InvalidParameter(
                f"{self.protocol.name}: no query has a match from another camera in the gallery"
            )
        reranked = None
        if rerank:
            graph = GalleryGraph.build(self.gallery)
            scores = np.stack([graph.rerank(row) for row in similarity])
            reranked = retrieve(scores, asked, held, scope).scores()
        compared = [
            np.count_nonzero(comparable_with(asked, held, q, scope))
            for q in np.flatnonzero(retrieval.valid).tolist()
        ]
        return ProtocolReport(
            protocol=self.protocol.name,
            queries=len(asked),
            gallery=len(held),
            compared=float(np.mean(compared)),
            scores=retrieval.scores(),
            intervals=bootstrap.intervals(retrieval, asked.identities),
            verification=true_positive_rates(similarity, asked, held, scope=scope),
            reranked=reranked,
            retrieval=retrieval,
            identities=asked.identities,
        )


def labels(tracklets: tuple[TrackletSource, ...]) -> Labels:
    """Who is in them, and which camera saw them where."""
    return Labels(identities(tracklets), cameras(tracklets), places(tracklets))


def embed_protocols(
    protocols: Sequence[Protocol],
    embedder: ClipEmbedder,
    *,
    frames: int = TEST_FRAMES,
    workers: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Embedded]:
    """Embed every tracklet once, whichever protocols it belongs to."""
    everything = all_tracklets(protocols)
    vectors = embed_tracklets(everything, embedder, frames=frames, workers=workers, advance=advance)
    place = {id(tracklet): i for i, tracklet in enumerate(everything)}

    def rows(half: tuple[TrackletSource, ...]) -> Floats:
        return vectors[[place[id(tracklet)] for tracklet in half]]

    return [Embedded(p, rows(p.query), rows(p.gallery)) for p in protocols]


def all_tracklets(protocols: Sequence[Protocol]) -> list[TrackletSource]:
    """Every tracklet of the protocols once, for they share most of them."""
    found = {id(t): t for p in protocols for half in (p.query, p.gallery) for t in half}
    return list(found.values())


def subset(whole: Protocol, most: int, seed: int = 0) -> Protocol:
    """A smaller protocol: whole identities drawn until they have `most` tracklets."""
    everything = tuple(all_tracklets([whole]))
    if len(everything) <= most:
        return whole
    people, counts = np.unique(identities(everything), return_counts=True)
    asked = np.isin(people, identities(whole.query))
    order = np.random.Generator(np.random.PCG64(seed)).permutation(np.flatnonzero(asked))
    enough = int(np.searchsorted(np.cumsum(counts[order]), most)) + 1
    kept = set(people[order[:enough]].tolist())
    return Protocol(
        name=f"{whole.name}, {len(kept)} identities of it",
        query=tuple(t for t in whole.query if t.identity in kept),
        gallery=tuple(t for t in whole.gallery if t.identity in kept),
        scope=whole.scope,
    )
