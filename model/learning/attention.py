"""Whether a model's attention means something: measured where a world knows what frames show.

A share is a frame's weight times the number of frames: 1 is its even share. Weights of a network
that looks at each frame alike are all 1, whatever the frames show.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.datasets.tracklets import TrackletSource
from model.errors import InvalidParameter
from model.learning.clip import read_frame
from model.learning.embed import Clip, ClipEmbedder, read_test_clip
from model.sampling import central_indices

HIDDEN: Final = 0.2
"""Visible share below which a frame counts as hidden."""
CLEAR: Final = 0.6
"""Visible share from which a frame may be swapped for a stranger's: its own would be looked at."""
RESAMPLES: Final = 500

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Watched:
    """One tracklet of n frames and what the model made of it."""

    tracklet: TrackletSource
    visible: Floats
    """[n], share of the person that is seen."""
    foreign: NDArray[np.bool_]
    """[n], the tracker was on somebody else."""
    temporal: Floats
    """[n], shares."""
    global_: Floats | None
    """[n], shares of the global branch, where there is one."""
    stranger: "Stranger | None"
    """None where no frame was clear enough to be swapped."""
    change: Floats
    """[n], distance between the embeddings with and without frame k."""

    @property
    def identity(self) -> int:
        return self.tracklet.identity


@dataclass(frozen=True)
class Stranger:
    """A frame of another person in the place of a clear one."""

    place: int
    frame: Clip
    """[H, W, 3]"""
    temporal: Floats
    """[n], shares with the stranger in place."""


def watch(
    tracklets: Sequence[TrackletSource],
    embedder: ClipEmbedder,
    *,
    frames: int,
    most: int,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Watched]:
    """Look at up to `most` tracklets, drawn at random, that have three frames or more.

    Raises `InvalidParameter` where the data set does not know what its frames show, or the model
    has no attention.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    known = [one for one in tracklets if one.truth is not None and len(one.frames) > 2]
    if not known:
        raise InvalidParameter("attention is measured on synthetic worlds of three frames or more")
    chosen = rng.permutation(len(known))[:most].tolist()
    watched = []
    for place in chosen:
        watched.append(_watched(known[place], known, embedder, frames, rng))
        advance(1)
    return watched


def _watched(
    tracklet: TrackletSource,
    everybody: Sequence[TrackletSource],
    embedder: ClipEmbedder,
    frames: int,
    rng: np.random.Generator,
) -> Watched:
    assert tracklet.truth is not None
    indices = central_indices(len(tracklet.frames), frames)
    clip = read_test_clip(tracklet, frames, embedder.size)
    n = len(clip)
    visible = tracklet.truth.visible[indices].astype(np.float64)
    foreign = np.asarray(tracklet.truth.foreign[indices])
    look = embedder.look(clip)
    without = [np.delete(clip, k, axis=0) for k in range(n)]
    whole, *rest = np.concatenate([embedder.embed([clip]), embedder.embed(without)])
    clear = np.flatnonzero((visible >= CLEAR) & ~foreign)
    return Watched(
        tracklet=tracklet,
        visible=visible,
        foreign=foreign,
        temporal=look.temporal.astype(np.float64) * n,
        global_=None if look.global_ is None else look.global_.sum((1, 2)).astype(np.float64) * n,
        stranger=_stranger(clip, clear, tracklet.identity, everybody, embedder, rng),
        change=np.linalg.norm(np.stack(rest).astype(np.float64) - whole, axis=1),
    )


def _stranger(
    clip: Clip,
    clear: NDArray[np.int64],
    identity: int,
    everybody: Sequence[TrackletSource],
    embedder: ClipEmbedder,
    rng: np.random.Generator,
) -> Stranger | None:
    """Exchange one of the clip's clear frames for a clear one of another person, and look."""
    if not len(clear):
        return None
    place = int(rng.choice(clear))
    for candidate in rng.permutation(len(everybody))[:50].tolist():
        other = everybody[candidate]
        assert other.truth is not None
        shown = np.flatnonzero((other.truth.visible >= CLEAR) & ~other.truth.foreign)
        if other.identity != identity and len(shown):
            swapped = clip.copy()
            swapped[place] = read_frame(other, int(rng.choice(shown)), *embedder.size)
            shares = embedder.look(swapped).temporal.astype(np.float64) * len(clip)
            return Stranger(place, swapped[place], shares)
    return None


def attention_report(watched: Sequence[Watched], *, seed: int = 0) -> dict[str, Any]:
    """Figures with 95 % intervals over people; null where nothing stands behind one."""
    figures: dict[str, Callable[[Sequence[Watched]], float | None]] = {
        "share_of_hidden_frames": lambda all_: _mean_share(all_, _hidden),
        "share_of_clear_frames": lambda all_: _mean_share(all_, _clear),
        "share_of_tracker_jumps": lambda all_: _mean_share(all_, lambda one: one.foreign),
        "share_of_swapped_in_strangers": _stranger_share,
        "global_share_of_hidden_frames": _global_hidden_share,
        "correlation_with_visible_share": _correlation_with_visible,
        "effective_share_of_frames": _effective,
        "deletion_correlation": _deletion_correlation,
        "deletion_ratio": _deletion_ratio,
    }
    answer: dict[str, Any] = {
        "tracklets": len(watched),
        "people": len({one.identity for one in watched}),
        "frames": int(sum(len(one.visible) for one in watched)),
        "hidden_frames": int(sum(_hidden(one).sum() for one in watched)),
        "tracker_jumps": int(sum(one.foreign.sum() for one in watched)),
        "swapped_in_strangers": sum(one.stranger is not None for one in watched),
    }
    for name, figure in figures.items():
        answer[name] = {"value": figure(watched), "interval_95": _interval(watched, figure, seed)}
    return answer


def _hidden(one: Watched) -> NDArray[np.bool_]:
    return np.asarray((one.visible < HIDDEN) & ~one.foreign)


def _clear(one: Watched) -> NDArray[np.bool_]:
    return np.asarray((one.visible >= CLEAR) & ~one.foreign)


def _mean_share(
    watched: Sequence[Watched], which: Callable[[Watched], NDArray[np.bool_]]
) -> float | None:
    shares = np.concatenate([one.temporal[which(one)] for one in watched])
    return float(shares.mean()) if len(shares) else None


def _stranger_share(watched: Sequence[Watched]) -> float | None:
    strangers = [one.stranger for one in watched if one.stranger is not None]
    shares = [stranger.temporal[stranger.place] for stranger in strangers]
    return float(np.mean(shares)) if shares else None


def _global_hidden_share(watched: Sequence[Watched]) -> float | None:
    shares = [one.global_[_hidden(one)] for one in watched if one.global_ is not None]
    together = np.concatenate(shares) if shares else np.zeros(0)
    return float(together.mean()) if len(together) else None


def _correlation_with_visible(watched: Sequence[Watched]) -> float | None:
    """Pearson, over all frames; a frame of somebody else shows nothing of the person."""
    visible = np.concatenate([np.where(one.foreign, 0, one.visible) for one in watched])
    return _pearson(visible, np.concatenate([one.temporal for one in watched]))


def _effective(watched: Sequence[Watched]) -> float | None:
    """exp(entropy) / n: over what part of its frames a tracklet's weight is spread."""
    parts = []
    for one in watched:
        weights = one.temporal / one.temporal.sum()
        used = weights[weights > 0]
        parts.append(float(np.exp(-(used * np.log(used)).sum())) / len(weights))
    return float(np.mean(parts))


def _deletion_correlation(watched: Sequence[Watched]) -> float | None:
    """Pearson of a frame's share and of what its absence changes, relative to its tracklet."""
    shares = np.concatenate([one.temporal for one in watched])
    return _pearson(shares, np.concatenate([_relative(one) for one in watched]))


def _deletion_ratio(watched: Sequence[Watched]) -> float | None:
    """What dropping the heaviest frame changes, over what dropping the lightest does; median."""
    ratios = [
        one.change[one.temporal.argmax()] / max(one.change[one.temporal.argmin()], 1e-9)
        for one in watched
    ]
    return float(np.median(ratios))


def _relative(one: Watched) -> Floats:
    return np.asarray(one.change / max(float(one.change.mean()), 1e-12))


def _pearson(a: Floats, b: Floats) -> float | None:
    if len(a) < 3 or np.std(a) < 1e-9 or np.std(b) < 1e-9:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _interval(
    watched: Sequence[Watched],
    figure: Callable[[Sequence[Watched]], float | None],
    seed: int,
) -> list[float] | None:
    """Percentiles over resamples of people; None where half of them have no figure."""
    by_person: dict[int, list[Watched]] = {}
    for one in watched:
        by_person.setdefault(one.identity, []).append(one)
    people = list(by_person.values())
    rng = np.random.Generator(np.random.PCG64(seed))
    found = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(len(people), size=len(people)).tolist()
        value = figure([one for place in drawn for one in people[place]])
        if value is not None:
            found.append(value)
    if len(found) < RESAMPLES / 2:
        return None
    low, high = np.quantile(found, [0.025, 0.975])
    return [float(low), float(high)]
