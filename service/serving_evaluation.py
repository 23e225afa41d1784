"""A data set through the gallery itself: enrolled, asked, with each way of scoring on and off.

`sightline evaluate` compares embeddings as research does. This module opens a gallery in a
temporary folder, enrols every tracklet under its camera, and asks what a caller would ask:

- *tracklets*: nobody is named, every tracklet ranks alone, and what has the query's identity and
  its camera is passed over, as in every published figure;
- *identities*: everybody is named, and a query asks who of those that other cameras saw this is.

Embeddings are given, so that one pass of the model serves all ways.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from indexer.gallery import LocalGallery, open_gallery
from indexer.records import Filter, IdentityScoring, NewTracklet, Search
from model.datasets.tracklets import DISTRACTOR, Protocol, TrackletSource
from model.errors import InvalidParameter
from model.learning import bootstrap
from model.learning.evaluate import Embedded
from model.learning.metrics import Retrieval

SCORINGS: Final[tuple[IdentityScoring, ...]] = ("best", "camera_mean", "template")
TOP_K: Final = 20
"""Identities that a query for identities asks for; one that is not among them has rank 0."""

_MODEL: Final = "evaluation"
_ACTOR: Final = "evaluation"

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Way:
    """One way of scoring; `identity` is None where tracklets are ranked."""

    camera_normalised: bool
    rerank: bool
    identity: IdentityScoring | None

    def as_json(self) -> dict[str, Any]:
        return {
            "camera_normalised": self.camera_normalised,
            "rerank": self.rerank,
            "identity": self.identity,
        }


WAYS: Final = tuple(
    Way(normalised, rerank, identity)
    for identity, normalised, rerank in product((None, *SCORINGS), (False, True), (False, True))
)
"""Plain scoring of tracklets and of identities each come before what they are compared with."""


@dataclass(frozen=True)
class Result:
    """What became of the queries in one way."""

    way: Way
    retrieval: Retrieval
    people: NDArray[np.int64]
    """Of the queries."""

    def as_json(self, plain: "Result") -> dict[str, Any]:
        """Scores with 95 % intervals over identities; `plain` is what the gain is measured from."""
        own = bootstrap.intervals(self.retrieval, self.people)
        gain = bootstrap.paired_intervals(self.retrieval, plain.retrieval, self.people)
        ours, theirs = self.retrieval.scores(), plain.retrieval.scores()
        return self.way.as_json() | {
            name: {
                "value": ours[name],
                "interval_95": list(own[name]),
                "gain": ours[name] - theirs[name],
                "gain_95": list(gain[name]),
            }
            for name in ("rank-1", "rank-5", "mAP")
        }


def report(embedded: Embedded, results: Sequence[Result]) -> dict[str, Any]:
    """All ways on one protocol; each gain is that over raw scores, not re-ranked, best tracklet."""
    plain = {one.way.identity is None: one for one in reversed(results) if _is_plain(one.way)}
    return {
        "protocol": embedded.protocol.name,
        "queries": int(results[0].retrieval.valid.sum()),
        "gallery": len(embedded.protocol.gallery),
        "cameras": len({one.camera for one in embedded.protocol.gallery}),
        "identities": len({one.identity for one in embedded.protocol.gallery}),
        "ways": [one.as_json(plain[one.way.identity is None]) for one in results],
    }


def _is_plain(way: Way) -> bool:
    return not way.camera_normalised and not way.rerank and way.identity in (None, "best")


def choose_protocol(protocols: Sequence[Protocol], name: str | None) -> Protocol:
    """The one by name; else one where queries stay at their place, as a gallery does; else the
    first.

    Raises `InvalidParameter` for one that asks other places: a gallery is one place.
    """
    chosen = [one for one in protocols if name in (None, one.name)]
    if not chosen:
        raise InvalidParameter(f"there is no protocol {name!r}")
    chosen.sort(key=lambda one: one.scope != "same place")
    if chosen[0].scope == "other places":
        raise InvalidParameter("a gallery is one place: choose a protocol that stays at it")
    return chosen[0]


def evaluate_serving(
    embedded: Embedded,
    *,
    ways: Sequence[Way] = WAYS,
    most: int | None = None,
    wrong_labels: float = 0,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Result]:
    """Ask galleries on disk; `most` takes so many of the queries at random.

    With `wrong_labels` that share of a gallery's tracklets bears the name of the person whom it is
    most easily taken for. Tells `advance` of every query. Raises `InvalidParameter` where no query
    has a match.
    """
    asked = _asked(embedded.protocol, most, seed)
    people = np.array([embedded.protocol.query[q].identity for q in asked], np.int64)
    found: dict[Way, dict[int, list[int]]] = {way: {} for way in ways}
    for place in _places(embedded.protocol):
        for named in (False, True):
            wanted = [way for way in ways if (way.identity is not None) is named]
            with tempfile.TemporaryDirectory() as folder:
                here = _Place(embedded, place, Path(folder) / "gallery")
                if named:
                    here.name_all(wrong_labels, seed)
                here.enrol()
                for way in wanted:
                    ranks = here.ask(way, [q for q in asked if here.has(q)])
                    found[way] |= ranks
                    advance(len(ranks))
    results = [
        Result(way, _retrieval([found[way].get(q, []) for q in asked]), people) for way in ways
    ]
    if not results or not results[0].retrieval.valid.any():
        raise InvalidParameter(f"{embedded.protocol.name}: no query has a match elsewhere")
    return [Result(one.way, _with(one.retrieval, results), people) for one in results]


def _with(retrieval: Retrieval, results: Sequence[Result]) -> Retrieval:
    """Queries count in every way or in none, so that ways can be compared."""
    valid = np.all([one.retrieval.valid for one in results], axis=0)
    return Retrieval(
        valid, retrieval.first_match, retrieval.average_precision, retrieval.inverse_penalty
    )


def _asked(protocol: Protocol, most: int | None, seed: int) -> list[int]:
    count = len(protocol.query)
    if most is None or most >= count:
        return list(range(count))
    drawn = np.random.Generator(np.random.PCG64(seed)).choice(count, most, replace=False)
    return sorted(drawn.tolist())


def _places(protocol: Protocol) -> Iterator[int | None]:
    """One gallery for each place, or one for all."""
    if protocol.scope == "everywhere":
        yield None
    else:
        yield from sorted({one.environment for one in protocol.gallery})


class _Place:
    """The gallery of one place, in a folder."""

    def __init__(self, embedded: Embedded, place: int | None, folder: Path) -> None:
        self._embedded = embedded
        self._place = place
        self._folder = folder
        held = enumerate(embedded.protocol.gallery)
        self._rows = [g for g, one in held if place in (None, one.environment)]
        self._ids = {id(embedded.protocol.gallery[g]): str(g) for g in self._rows}
        self._names: dict[int, str] = {}

    def name_all(self, wrong: float, seed: int) -> None:
        """Name the people, a share of their tracklets after the stranger who looks most alike."""
        held = self._embedded.protocol.gallery
        named = {g: name for g in self._rows if (name := _name(held[g])) is not None}
        self._names = dict(named)
        rows = np.array(list(named), np.int64)
        people = np.array([held[g].identity for g in named], np.int64)
        rng = np.random.Generator(np.random.PCG64([seed, self._place or 0]))
        for drawn in rng.choice(len(rows), round(wrong * len(rows)), replace=False).tolist():
            alike = self._embedded.gallery[rows] @ self._embedded.gallery[rows[drawn]]
            alike[people == people[drawn]] = -np.inf
            if np.isfinite(alike).any():
                self._names[int(rows[drawn])] = named[int(rows[alike.argmax()])]

    def has(self, q: int) -> bool:
        return self._place in (None, self._embedded.protocol.query[q].environment)

    def enrol(self) -> None:
        with self._open(Way(camera_normalised=False, rerank=False, identity=None)) as gallery:
            gallery.enrol_many([self._new(g) for g in self._rows], actor=_ACTOR)

    def ask(self, way: Way, queries: Sequence[int]) -> dict[int, list[int]]:
        """Ranks of every query's matches, from 1; 0 for one that was not found."""
        with self._open(way) as gallery:
            one = self._ranks_of_tracklets if way.identity is None else self._rank_of_identity
            return {q: one(gallery, way, q) for q in queries}

    def _ranks_of_tracklets(self, gallery: LocalGallery, way: Way, q: int) -> list[int]:
        asked = self._embedded.protocol.query[q]
        ranking = self._search(gallery, way, q, frozenset(), len(self._rows))
        ranks, place = [], 0
        for found in ranking:
            one = self._embedded.protocol.gallery[int(found[1])]
            same = one.identity == asked.identity
            if same and one.camera == asked.camera:
                continue
            place += 1
            if same:
                ranks.append(place)
        return ranks

    def _rank_of_identity(self, gallery: LocalGallery, way: Way, q: int) -> list[int]:
        asked = self._embedded.protocol.query[q]
        held = (self._embedded.protocol.gallery[g] for g in self._rows)
        if not any(o.identity == asked.identity and o.camera != asked.camera for o in held):
            return []
        own = frozenset({_camera(asked)})
        names = [name for name, _ in self._search(gallery, way, q, own, TOP_K)]
        name = _name(asked)
        return [names.index(name) + 1] if name in names else [0]

    def _search(
        self, gallery: LocalGallery, way: Way, q: int, without: frozenset[str], top_k: int
    ) -> list[tuple[str | None, str]]:
        """Identity and best tracklet of each place of the ranking."""
        asked = self._embedded.protocol.query[q]
        own = self._ids.get(id(asked))
        wanted = Search(
            camera=_camera(asked),
            top_k=top_k,
            tracklets_per_identity=1,
            rerank=way.rerank,
            filter=Filter(exclude_cameras=without, exclude_tracklet=own),
        )
        ranking = gallery.search(self._embedded.query[q], _MODEL, wanted, actor=_ACTOR)
        return [(one.identity, one.tracklets[0].tracklet.tracklet_id) for one in ranking.identities]

    def _open(self, way: Way) -> LocalGallery:
        return open_gallery(
            self._folder,
            model_id=_MODEL,
            width=self._embedded.gallery.shape[1],
            create=True,
            camera_normalisation="auto" if way.camera_normalised else "off",
            identity_scoring=way.identity or "best",
            rerank_pairs=np.inf,
        )

    def _new(self, g: int) -> NewTracklet:
        one = self._embedded.protocol.gallery[g]
        return NewTracklet(
            tracklet_id=str(g),
            content_sha256=hashlib.sha256(str(g).encode()).digest(),
            model_id=_MODEL,
            embedding=self._embedded.gallery[g],
            temporal_attention=(1.0,),
            received=len(one.frames),
            sampled=(0,),
            identity=self._names.get(g),
            camera=_camera(one),
        )


def _camera(one: TrackletSource) -> str:
    return f"camera {one.camera}"


def _name(one: TrackletSource) -> str | None:
    return None if one.identity == DISTRACTOR else f"person {one.identity}"


def _retrieval(ranks: Sequence[Sequence[int]]) -> Retrieval:
    """From the ranks of each query's matches; without any a query is not valid."""
    valid = np.array([bool(some) for some in ranks])
    first, precision, penalty = (np.zeros(len(ranks)) for _ in range(3))
    for q, some in enumerate(ranks):
        places = np.array([rank for rank in some if rank], np.float64)
        if len(places):
            first[q] = places[0]
            precision[q] = np.sum(np.arange(1, len(places) + 1) / places) / len(some)
            penalty[q] = len(places) / places[-1]
    # A match that was not found has a rank behind all others.
    first[valid & (first == 0)] = np.iinfo(np.int32).max
    return Retrieval(valid, first.astype(np.int64), precision, penalty)
