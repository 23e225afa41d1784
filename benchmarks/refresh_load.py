"""Answers while the index is refreshed under load, each checked against its own statistics.

Made-up tracklets stand around identities, before cameras that pull them their own way. New cameras
come all the time, so that statistics move and the index is built anew again and again.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from indexer.gallery import open_gallery
from indexer.normalisation import Normalisation
from indexer.records import NewTracklet, Ranking, Search
from model.errors import RerankUnavailable

MODEL: Final = "benchmark"
CAMERAS: Final = 20
EACH: Final = 20
"""Tracklets of one identity."""

_NOISE: Final = 0.7
_PULL: Final = 0.35
_TOLERANCE: Final = 2e-6


@dataclass(frozen=True)
class People:
    """Made-up tracklets, each from its number."""

    identities: int
    width: int

    def embedding(self, number: int, take: int = 0) -> NDArray[np.float32]:
        """[D]; another take is another look at the same identity before the same camera."""
        person = np.random.default_rng([1, number % self.identities])
        noise = np.random.default_rng([2, number, take])
        camera = np.random.default_rng([3, number % CAMERAS])
        vector = person.standard_normal(self.width, np.float32)
        vector += _NOISE * noise.standard_normal(self.width, np.float32)
        vector += _PULL * camera.standard_normal(self.width, np.float32)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    def tracklet(self, number: int) -> NewTracklet:
        return NewTracklet(
            tracklet_id=f"t{number}",
            content_sha256=number.to_bytes(32, "big"),
            model_id=MODEL,
            embedding=self.embedding(number),
            temporal_attention=(1.0,),
            received=1,
            sampled=(0,),
            identity=f"p{number % self.identities}",
            camera=f"c{number % CAMERAS}",
        )


@dataclass
class Load:
    """What happened while the view was refreshed under load."""

    answers: int = 0
    wrong: int = 0
    unavailable: int = 0
    generations: set[int] = field(default_factory=set)
    slowest_ms: float = 0.0
    enrolled: int = 0
    erased: int = 0
    refreshed: int = 0


def under_load(folder: Path, *, tracklets: int, seconds: float, width: int, seed: int) -> Load:
    """Two askers, one of whom re-ranks, one who enrols and erases, and the service's upkeep.

    Every score of every answer has to be the cosine that the statistics of its generation give.
    """
    people, load = People(max(tracklets // EACH, 1), width), Load()
    known: dict[int, Normalisation] = {}
    over, lock = threading.Event(), threading.Lock()
    with open_gallery(
        folder, model_id=MODEL, width=width, create=True, camera_normalisation="auto"
    ) as gallery:
        gallery.enrol_many([people.tracklet(n) for n in range(tracklets)], actor="benchmark")
        gallery.refresh()

        def upkeep() -> None:
            while not over.is_set():
                # What is frozen is written down before anybody can be served by it.
                load.refreshed += gallery.refresh()
                gallery.tend_graph(0.05)
                over.wait(0.05)

        def ask(number: int) -> None:
            rng = np.random.default_rng([seed, number])
            while not over.is_set():
                asked = int(rng.integers(tracklets))
                search = Search(camera=f"c{asked % CAMERAS}", top_k=20, rerank=bool(number))
                query = people.embedding(asked, 1)
                began = time.perf_counter()
                try:
                    ranking = gallery.search(query, MODEL, search, actor="benchmark")
                except RerankUnavailable:
                    load.unavailable += 1
                    continue
                taken = 1e3 * (time.perf_counter() - began)
                good = _is_right(people, known, ranking, query, search.camera)
                with lock:
                    load.answers += 1
                    load.wrong += good is False
                    load.slowest_ms = max(load.slowest_ms, taken)
                    load.generations.add(ranking.scoring.generation)

        def change() -> None:
            rng = np.random.default_rng([seed, 99])
            batch = 0
            while not over.is_set():
                # Twenty tracklets before one camera, which gets a new name after ten batches.
                first = (tracklets + 20 * batch) * CAMERAS + batch // 10 % CAMERAS
                numbers = [first + CAMERAS * k for k in range(20)]
                news = [people.tracklet(number) for number in numbers]
                new_camera = f"d{batch // 10}"
                named = [NewTracklet(**{**one.__dict__, "camera": new_camera}) for one in news]
                gallery.enrol_many(named, actor="benchmark")
                gallery.erase(f"t{rng.choice(numbers)}", actor="benchmark")
                batch += 1
                load.enrolled += 20
                load.erased += 1
                over.wait(0.02)

        original = gallery._refresher._view.adopt

        def adopt(store: Any, new: Normalisation, *rest: Any) -> bool:
            known[_key(new)] = new
            return original(store, new, *rest)

        known[_key(gallery.normalisation)] = gallery.normalisation
        gallery._refresher._view.adopt = adopt  # type: ignore[assignment, method-assign]
        threads = [threading.Thread(target=work) for work in (upkeep, change)]
        threads += [threading.Thread(target=ask, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        over.wait(seconds)
        over.set()
        for thread in threads:
            thread.join()
    return load


def _key(one: Normalisation) -> int:
    return hash((one.generation, one.digest()))


def _is_right(
    people: People,
    known: Mapping[int, Normalisation],
    ranking: Ranking,
    query: NDArray[np.float32],
    camera: str | None,
) -> bool:
    """Whether one set of statistics of the generation that is named explains every score."""
    made_with = [
        one
        for one in list(known.values())
        if one.generation == ranking.scoring.generation
        and one.is_active == ranking.scoring.camera_normalised
    ]
    hits = [hit for place in ranking.identities for hit in place.tracklets]
    # As the gallery does with whatever comes in; a bit of float16 may hang on it.
    query = _unit(query)
    numbers = [int(hit.tracklet.tracklet_id[1:]) for hit in hits]
    stored = np.stack([_unit(people.embedding(n)) for n in numbers]).astype(np.float16)
    cameras = [hit.tracklet.camera for hit in hits]
    scores = np.array([hit.score for hit in hits])
    for one in made_with:
        compared = one.stored(stored, cameras).astype(np.float64)
        expected = np.minimum(compared @ one.query(query, camera).astype(np.float64), 1)
        if np.abs(expected - scores).max() < _TOLERANCE:
            return True
    return False


def _unit(embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    length = float(np.linalg.norm(embedding.astype(np.float64)))
    unit: NDArray[np.float32] = (embedding / length).astype(np.float32)
    return unit
