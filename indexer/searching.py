"""A search from the query to the rows it answers with, and its entry in the audit log.

The view says what is near, the store what is true: every row of an answer is read from the store,
and one that has changed since the view saw it is looked up anew, then left out.
"""

import math
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from indexer import enrolment, rows
from indexer.audit import ReaderLog
from indexer.normalisation import Normalisation
from indexer.records import (
    Filter,
    Hit,
    IdentityScoring,
    RankedIdentity,
    Ranking,
    Scoring,
    Search,
)
from indexer.store import Store
from indexer.view import Found, Look, View
from model.errors import RerankUnavailable

_ATTEMPTS = 3


class Searches:
    """Searches one view of one store. Safe from any thread."""

    def __init__(
        self,
        store: Store,
        view: View,
        log: ReaderLog,
        *,
        identity: IdentityScoring,
        most_pairs: float,
    ) -> None:
        """`most_pairs` is how many vectors a search may compare to complete the graph."""
        self._store = store
        self._view = view
        self._log = log
        self._identity: IdentityScoring = identity
        self._most_pairs = most_pairs

    def search(
        self, embedding: NDArray[np.float32], model_id: str, wanted: Search, actor: str
    ) -> Ranking:
        """As `Gallery.search`."""
        enrolment.check_model(self._store, model_id)
        query = enrolment.unit(self._store, embedding)
        left_out = wanted.filter.exclude_tracklet
        for _ in range(_ATTEMPTS):
            self._view.follow(self._store)
            look = self._look(query, wanted, left_out)
            ranked, fresh = self._read(look.found, wanted.filter)
            if fresh:
                break
        self._log.record(
            actor,
            "search",
            None if left_out is None else self._store.hashes.tracklet(left_out),
            {"top_k": wanted.top_k, "searched": look.compared, "found": len(ranked)},
        )
        tracklets, labelled = self._view.counts()
        return Ranking(
            identities=ranked,
            searched=look.compared,
            exact=True,
            tracklets=tracklets,
            labelled_identities=labelled,
            scoring=self.scoring(look.normalisation, rerank=wanted.rerank),
        )

    def _look(self, query: NDArray[np.float32], wanted: Search, left_out: str | None) -> Look:
        """Search the view; where re-ranking is wanted, with a graph that holds everything."""
        exclude = self._number(left_out)
        for _ in range(_ATTEMPTS if wanted.rerank else 0):
            self._complete_graph()
            with suppress(RerankUnavailable):  # something was changed between the two
                return self._view.search(query, wanted, exclude, self._identity)
        return self._view.search(query, wanted, exclude, self._identity)

    def _complete_graph(self) -> None:
        """Raises `RerankUnavailable` where that would take too long for a search."""
        graph = self._view.graph
        graph.want()
        if graph.work_left() > self._most_pairs:
            raise RerankUnavailable(
                "the neighbour graph is being built; a running service has it soon, so ask again, "
                "or without re-ranking"
            )
        graph.work(math.inf)

    def scoring(self, normalisation: Normalisation, *, rerank: bool) -> Scoring:
        """What a search by this generation applies."""
        return Scoring(
            camera_normalised=normalisation.is_active,
            rerank=rerank,
            identity=self._identity,
            generation=normalisation.generation,
        )

    def _number(self, tracklet_id: str | None) -> int | None:
        if tracklet_id is None:
            return None
        with self._store.reading() as connection:
            found = rows.find(connection, tracklet_id)
        return None if found is None else found[0]

    def _read(self, found: list[Found], wanted: Filter) -> tuple[tuple[RankedIdentity, ...], bool]:
        """The found rows as they are now, and whether all are as the view took them to be."""
        with self._store.reading() as connection:
            there = rows.fetch(connection, [seq for place in found for seq, _ in place.hits])
        ranked: list[RankedIdentity] = []
        fresh = True
        for place in found:
            hits = tuple(
                Hit(there[seq], score)
                for seq, score in place.hits
                if seq in there
                and there[seq].identity == place.identity
                and rows.passes(there[seq], wanted)
            )
            fresh = fresh and len(hits) == len(place.hits)
            if hits:
                rank = len(ranked) + 1
                best = place.score if self._identity != "best" else hits[0].score
                ranked.append(RankedIdentity(rank, place.identity, best, place.compared, hits))
        return tuple(ranked), fresh
