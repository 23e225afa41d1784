"""A gallery's own calibration, from tracklets that nobody has labelled.

Two tracklets that one camera saw at the same time show two different people: they give the
impostors. The first and the second half of one tracklet's kept pictures show the same person: they
give the genuine pairs, embedded anew. Both are made under one camera within moments, so the
genuine scores are better than those between cameras, and people who walk together are over-
represented among the impostors. Tracklets stand for people, of whom there may be fewer.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.gallery import LocalGallery
from indexer.normalisation import Normalisation
from indexer.records import Filter, Tracklet
from model.calibrating.pairs import Floats, Ints, Pairs, Population
from model.calibrating.tables import Measured, measure
from model.calibration import Calibration, Source
from model.decode import decode_frames
from model.errors import ModelFailure
from model.limits import DecodeLimits
from model.runtime import Embedder

NAME: Final = "gallery"
MOST_IMPOSTORS: Final = 2_000_000
"""Pairs of tracklets; of more a random part is compared."""
MOST_HALVED: Final = 2000
"""Tracklets whose pictures are embedded again."""
_PAGE: Final = 1000

Normalise: TypeAlias = Callable[[Floats, Sequence[str | None]], Floats]
"""Raw embeddings [n, D] and their cameras -> what a search compares, [n, D]."""


@dataclass(frozen=True)
class Scoring:
    """One way in which the gallery compares, and the camera statistics behind it."""

    camera_normalised: bool
    normalise: Normalise | None = None
    generation: int | None = None

    @classmethod
    def of(cls, serving: Normalisation) -> Self:
        """Camera-normalised scoring as it serves."""

        def normalise(vectors: Floats, cameras: Sequence[str | None]) -> Floats:
            return serving.stored(vectors.astype(np.float16), cameras).astype(np.float32)

        return cls(camera_normalised=True, normalise=normalise, generation=serving.generation)


def calibrate_gallery(
    gallery: LocalGallery,
    embedder: Embedder | None,
    scorings: Sequence[Scoring],
    *,
    limits: DecodeLimits | None = None,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
    actor: str = "command line",
) -> tuple[Calibration, list[Measured]]:
    """Measure every scoring on what the gallery holds now; without an embedder only impostors.

    Rates without overlapping tracklets and probabilities without kept pictures are null. Raises
    what decoding and the model raise.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    tracklets = list(_all_tracklets(gallery))
    together = overlapping(tracklets, rng)
    halved = _halved(tracklets, rng) if embedder is not None else []
    halves: list[tuple[Tracklet, Floats]] = []
    for tracklet in halved:
        assert embedder is not None
        both = _embed_halves(gallery, tracklet, embedder, limits or DecodeLimits(), actor)
        if both is not None:
            halves.append((tracklet, both))
        advance(1)
    wanted = sorted({place for pair in together for place in pair})
    vectors = {place: gallery.embedding(tracklets[place].tracklet_id) for place in wanted}
    people = _people(tracklets)
    measured, generation = [], None
    for scoring in scorings:
        impostor = _impostors(tracklets, vectors, together, scoring)
        genuine = _genuine(halves, scoring)
        pairs = Pairs(
            genuine,
            np.arange(len(genuine), dtype=np.int64),
            impostor,
            np.array([[people[a], people[b]] for a, b in together], np.int64).reshape(-1, 2),
        )
        alone = Population(NAME, 1, None, pairs)
        measured.append(measure([alone], [], camera_normalised=scoring.camera_normalised))
        generation = scoring.generation if scoring.camera_normalised else generation
    source = Source(
        kinds=(NAME,),
        people=len({people[place] for place in wanted}),
        cameras=len({tracklets[place].camera for place in wanted}),
        tracklets=len(tracklets),
        genuine_pairs=len(halves),
        impostor_pairs=len(together),
    )
    calibration = Calibration(
        model_id=gallery.model_id,
        data="gallery",
        source=source,
        tables=tuple(one.table for one in measured),
        statistics_generation=generation,
    )
    return calibration, measured


def overlapping(tracklets: Sequence[Tracklet], rng: np.random.Generator) -> list[tuple[int, int]]:
    """Places of tracklets that one camera saw at the same time, each two once.

    Two that an operator has given the same identity are left out, as are those without a camera or
    a time span.
    """
    by_camera: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(tracklets):
        if (
            one.camera is not None
            and one.captured_at is not None
            and one.captured_until is not None
        ):
            by_camera[one.camera].append(place)
    found: list[tuple[int, int]] = []
    for places in by_camera.values():
        found.extend(_overlaps(tracklets, places))
    if len(found) > MOST_IMPOSTORS:
        kept = rng.choice(len(found), MOST_IMPOSTORS, replace=False)
        found = [found[place] for place in np.sort(kept).tolist()]
    return found


def _overlaps(tracklets: Sequence[Tracklet], places: list[int]) -> Iterator[tuple[int, int]]:
    """Those of one camera, by a sweep over their beginnings."""
    running: list[int] = []
    for place in sorted(places, key=lambda place: _span(tracklets[place])):
        begin = _span(tracklets[place])[0]
        running = [other for other in running if _span(tracklets[other])[1] > begin]
        for other in running:
            named = tracklets[place].identity
            if named is None or named != tracklets[other].identity:
                yield other, place
        running.append(place)


def _span(tracklet: Tracklet) -> tuple[float, float]:
    assert tracklet.captured_at is not None
    assert tracklet.captured_until is not None
    return tracklet.captured_at.timestamp(), tracklet.captured_until.timestamp()


def _people(tracklets: Sequence[Tracklet]) -> list[int]:
    """A number per person: equal for tracklets with one identity, else each its own."""
    names: dict[str, int] = {}
    return [
        place if one.identity is None else names.setdefault(one.identity, place)
        for place, one in enumerate(tracklets)
    ]


def _all_tracklets(gallery: LocalGallery) -> Iterator[Tracklet]:
    cursor = None
    while True:
        page = gallery.list(Filter(), limit=_PAGE, cursor=cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def _halved(tracklets: Sequence[Tracklet], rng: np.random.Generator) -> list[Tracklet]:
    """One tracklet per person with at least two pictures, at most `MOST_HALVED`, at random."""
    found: dict[str, Tracklet] = {}
    for place in rng.permutation(len(tracklets)).tolist():
        one = tracklets[place]
        if one.pictures > 1:
            found.setdefault(one.identity or f"tracklet {one.tracklet_id}", one)
    return list(found.values())[:MOST_HALVED]


def _embed_halves(
    gallery: LocalGallery,
    tracklet: Tracklet,
    embedder: Embedder,
    limits: DecodeLimits,
    actor: str,
) -> Floats | None:
    """Embeddings of the earlier and the later half of its pictures [2, D]; None if they are gone.

    Raises what decoding raises, and `ModelFailure`.
    """
    kept = gallery.pictures(tracklet.tracklet_id, actor=actor)
    if len(kept) < 2:
        return None
    manifest = embedder.manifest
    shape = (manifest.frames_per_tracklet, manifest.frame_height, manifest.frame_width)
    middle = len(kept) // 2
    clips = [
        decode_frames(list(half), *shape, limits).frames for half in (kept[:middle], kept[middle:])
    ]
    vectors = []
    for answer in embedder.embed(clips):
        if isinstance(answer, ModelFailure):
            raise answer
        vectors.append(answer.embedding)
    return np.stack(vectors)


def _impostors(
    tracklets: Sequence[Tracklet],
    vectors: dict[int, NDArray[np.float32]],
    together: Sequence[tuple[int, int]],
    scoring: Scoring,
) -> Floats:
    """Cosine of each pair: [I]."""
    if not together:
        return np.zeros(0, np.float32)
    places = list(vectors)
    compared = np.stack([vectors[place] for place in places])
    if scoring.normalise is not None:
        compared = scoring.normalise(compared, [tracklets[place].camera for place in places])
    row: Ints = np.zeros(max(places) + 1, np.int64)
    row[places] = np.arange(len(places))
    pairs = row[np.array(together)]
    return _cosines(compared[pairs[:, 0]], compared[pairs[:, 1]])


def _genuine(halves: Sequence[tuple[Tracklet, Floats]], scoring: Scoring) -> Floats:
    """Cosine of the two halves of each tracklet: [G]."""
    if not halves:
        return np.zeros(0, np.float32)
    both = np.concatenate([vectors for _, vectors in halves])
    if scoring.normalise is not None:
        cameras = [tracklet.camera for tracklet, _ in halves for _ in range(2)]
        both = scoring.normalise(both, cameras)
    return _cosines(both[0::2], both[1::2])


def _cosines(left: Floats, right: Floats) -> Floats:
    """Row by row: two [n, D] -> [n]."""
    return np.asarray(np.einsum("nd,nd->n", left, right), np.float32)
