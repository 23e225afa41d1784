"""A calibration from labelled data sets: embeds people that the model has not seen, and measures.

A world's tracklets are embedded once per stratum of frame counts: of each pair one tracklet is cut
to the stratum's number of frames, the other keeps that many or more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.calibrating.pairs import Floats, Ints, Population, cross_camera_pairs
from model.calibrating.tables import Measured, measure
from model.calibration import STRATA, Calibration, Data, Source
from model.datasets.tracklets import Dataset, TrackletSource, cameras, identities
from model.errors import InvalidParameter
from model.learning.embed import ClipEmbedder, embed_tracklets
from model.learning.evaluate import TEST_FRAMES

SHORT = 4
"""Frames that stand for the stratum of 2 to 7."""

Normalise: TypeAlias = Callable[[Floats, Ints, Floats, Ints], Floats]
"""(vectors [T, D], their cameras [T], a gallery's vectors [G, D], their cameras [G]) -> [T, D].

What a gallery with those tracklets would make of the vectors before comparing them."""


@dataclass(frozen=True)
class Embedded:
    """T tracklets of one data set, embedded from several numbers of frames."""

    name: str
    data: Literal["synthetic", "real"]
    vectors: dict[int, Floats]
    """By most frames used: [T, D], unit length."""
    frames: NDArray[np.int64]
    """[T], frames that there are."""
    identities: Ints
    cameras: Ints
    places: Ints


def embed_for_calibration(
    dataset: Dataset,
    embedder: ClipEmbedder,
    *,
    most: int | None = None,
    workers: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> Embedded:
    """The tracklets of a data set's last protocol, from 1, 4 and up to 32 frames each.

    `most`: so many tracklets at most, of whole people drawn at random.
    """
    tracklets = chosen_tracklets(dataset, most)
    vectors = {
        n: embed_tracklets(tracklets, embedder, frames=n, workers=workers, advance=advance)
        for n in _lengths(tracklets)
    }
    return Embedded(
        name=dataset.name,
        data="synthetic" if dataset.name.startswith("synthetic-") else "real",
        vectors=vectors,
        frames=np.array([len(tracklet.frames) for tracklet in tracklets], np.int64),
        identities=identities(tracklets),
        cameras=cameras(tracklets),
        places=np.array([tracklet.environment for tracklet in tracklets], np.int64),
    )


def calibration_work(dataset: Dataset, most: int | None) -> int:
    """How many embeddings `embed_for_calibration` makes."""
    tracklets = chosen_tracklets(dataset, most)
    return len(tracklets) * len(_lengths(tracklets))


def _lengths(tracklets: Sequence[TrackletSource]) -> list[int]:
    longest = max(len(tracklet.frames) for tracklet in tracklets)
    return sorted({min(n, longest) for n in (1, SHORT, TEST_FRAMES)})


def chosen_tracklets(dataset: Dataset, most: int | None) -> tuple[TrackletSource, ...]:
    """What is calibrated on. Raises `InvalidParameter` where a data set has nothing to test on."""
    if not dataset.protocols:
        raise InvalidParameter(f"{dataset.name} has nobody to calibrate on")
    protocol = dataset.protocols[-1]
    both = {id(one): one for half in (protocol.query, protocol.gallery) for one in half}
    tracklets = tuple(both.values())
    if most is None or len(tracklets) <= most:
        return tracklets
    people = np.unique(identities(tracklets))
    drawn = np.random.Generator(np.random.PCG64(0)).permutation(people)
    counts = np.array([np.sum(identities(tracklets) == person) for person in drawn])
    kept = set(drawn[: int(np.searchsorted(np.cumsum(counts), most)) + 1].tolist())
    return tuple(tracklet for tracklet in tracklets if tracklet.identity in kept)


def populations(
    world: Embedded, *, number: int = 0, normalise: Normalise | None = None
) -> list[Population]:
    """One per stratum of frame counts that the world has tracklets for.

    Worlds with different `number` share no people.
    """
    answer = []
    for least, most in STRATA:
        length = 1 if least == 1 else SHORT if most is not None else TEST_FRAMES
        used = min(length, max(world.vectors))
        enough = world.frames >= max(least, min(used, SHORT))
        if used < least or np.count_nonzero(enough) < 2:
            continue
        short, long = world.vectors[used], _longer(world, used)
        if normalise is not None:
            short, long = _normalised(world, normalise, short, long)
        pairs = cross_camera_pairs(
            short[enough],
            long[enough],
            _numbered(world.identities[enough], number),
            world.cameras[enough],
            world.places[enough],
        )
        answer.append(Population(world.name, least, most, pairs))
    return answer


def _normalised(
    world: Embedded, normalise: Normalise, short: Floats, long: Floats
) -> tuple[Floats, Floats]:
    """Both embeddings of all tracklets as galleries compare them, one gallery for each place."""
    short, long = short.copy(), long.copy()
    for place in np.unique(world.places).tolist():
        here = world.places == place
        cameras_here, held = world.cameras[here], long[here]
        short[here] = normalise(short[here], cameras_here, held, cameras_here)
        long[here] = normalise(held, cameras_here, held, cameras_here)
    return short, long


def _longer(world: Embedded, used: int) -> Floats:
    """Each tracklet from `used` frames or from more, drawn at random."""
    lengths = [n for n in world.vectors if n >= used]
    drawn = np.random.Generator(np.random.PCG64(0)).integers(len(lengths), size=len(world.frames))
    every = np.stack([world.vectors[n] for n in lengths])
    return np.asarray(every[drawn, np.arange(len(drawn))])


def _numbered(identities: Ints, number: int) -> Ints:
    """Numbers of people that no other world has; unknown people stay unknown."""
    return np.where(identities < 0, identities, identities + (number << 32))


def calibrate(
    model_id: str,
    fitted: Sequence[Embedded],
    checked: Sequence[Embedded],
    *,
    normalise: Normalise | None = None,
) -> tuple[Calibration, list[Measured]]:
    """A calibration fitted on some worlds and looked at on all; one table per scoring."""
    scorings = [None] if normalise is None else [None, normalise]
    measured = []
    for way in scorings:
        worlds = [
            populations(world, number=number, normalise=way)
            for number, world in enumerate([*fitted, *checked])
        ]
        learnt = [one for world in worlds[: len(fitted)] for one in world]
        others = [one for world in worlds[len(fitted) :] for one in world]
        measured.append(measure(learnt, others, camera_normalised=way is not None))
    source, data = _source(fitted, measured[0].report), _data(fitted)
    tables = tuple(one.table for one in measured)
    return Calibration(model_id=model_id, data=data, source=source, tables=tables), measured


def _data(worlds: Sequence[Embedded]) -> Data:
    """Real only where all of it is."""
    return "real" if all(world.data == "real" for world in worlds) else "synthetic"


def _source(worlds: Sequence[Embedded], report: dict[str, Any]) -> Source:
    fitted = [one for one in report["populations"] if one["fitted"]]
    return Source(
        kinds=tuple(world.name for world in worlds),
        people=sum(len(np.unique(world.identities[world.identities >= 0])) for world in worlds),
        cameras=sum(len(np.unique(world.cameras)) for world in worlds),
        tracklets=sum(len(world.frames) for world in worlds),
        genuine_pairs=sum(one["genuine_pairs"] for one in fitted),
        impostor_pairs=sum(one["impostor_pairs"] for one in fitted),
    )
