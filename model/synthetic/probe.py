"""How far colours alone go: a regression check that a world is no trivial colour task.

The probe describes a tracklet by colour histograms of eight horizontal stripes, learns a linear
discriminant on half of the identities, and is scored on the other half across cameras.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.errors import InvalidParameter
from model.synthetic.reader import SyntheticWorld
from model.synthetic.sheet import decode

Floats = NDArray[np.float64]
STRIPES = 8
FEWEST_PEOPLE = 4
"""Two to learn from and two to tell apart."""
_WORKING_SIZE = (64, 128)
"""Width and height at which colours are counted."""


@dataclass(frozen=True)
class ProbeResult:
    """Shares in 0 .. 1, over queries whose identity another camera saw as well."""

    rank1: float
    mean_ap: float
    raw_rank1: float
    """without the discriminant"""
    chance: float
    queries: int


def colour_probe(world: SyntheticWorld, frames: int = 4) -> ProbeResult:
    """Train on the first half of the identities, test on the second.

    Raises `InvalidParameter` where there are too few people, or none was seen by two cameras.
    """
    if world.config.identities < FEWEST_PEOPLE or world.config.tracklets_per_identity < 2:
        raise InvalidParameter(
            f"a colour probe needs at least {FEWEST_PEOPLE} people with two tracklets each"
        )
    features = np.stack([_describe(world, t.frames, frames) for t in world.tracklets])
    identity = np.array([t.identity for t in world.tracklets])
    camera = np.array([t.camera for t in world.tracklets])
    # Families stay on one side: the halves are cut between blocks of neighbours.
    train = identity < np.unique(identity)[len(np.unique(identity)) // 2]
    projection = _discriminant(features[train], identity[train])
    test = ~train
    rank1, mean_ap, queries = _score(features[test] @ projection, identity[test], camera[test])
    raw, _, _ = _score(features[test], identity[test], camera[test])
    return ProbeResult(rank1, mean_ap, raw, 1 / len(np.unique(identity[test])), queries)


def _describe(world: SyntheticWorld, numbers: range, frames: int) -> Floats:
    picked = np.linspace(numbers.start, numbers.stop - 1, min(frames, len(numbers)))
    parts = [colour_stripes(decode(world.jpeg(int(number)))) for number in picked.round()]
    return np.asarray(np.sqrt(np.mean(parts, 0)))


def colour_stripes(frame: NDArray[np.uint8]) -> Floats:
    """RGB histograms (4 levels a channel) of the middle two thirds, per stripe: [STRIPES * 64].

    `frame` is RGB [H, W, 3] of any size.
    """
    small = cv2.resize(frame, _WORKING_SIZE, interpolation=cv2.INTER_AREA)
    levels = (small[:, 11:53] // 64).astype(int)
    codes = levels[..., 0] * 16 + levels[..., 1] * 4 + levels[..., 2]
    bands = codes.reshape(STRIPES, -1)
    counts = [np.bincount(band, minlength=64) / band.size for band in bands]
    return np.concatenate(counts)


def _discriminant(features: Floats, identity: NDArray[np.int_], keep: int = 120) -> Floats:
    """PCA, then whitening of what varies within an identity [D, K]."""
    centred = features - features.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    basis = axes[:keep].T
    low = centred @ basis
    means = {person: low[identity == person].mean(0) for person in np.unique(identity)}
    within = low - np.stack([means[person] for person in identity])
    scatter = within.T @ within / len(low)
    scatter += 0.05 * np.trace(scatter) / len(scatter) * np.eye(len(scatter))
    values, vectors = np.linalg.eigh(scatter)
    return np.asarray(basis @ (vectors / np.sqrt(values)))


def _score(
    features: Floats, identity: NDArray[np.int_], camera: NDArray[np.int_]
) -> tuple[float, float, int]:
    """Rank-1 and mAP by Euclidean distance; what the query's own camera saw of it is left out."""
    squares = (features**2).sum(1)
    distance = squares[:, None] + squares[None] - 2 * features @ features.T
    hits, precisions = [], []
    for query in range(len(features)):
        same = identity == identity[query]
        allowed = ~(same & (camera == camera[query]))
        matches = same[allowed][np.argsort(distance[query][allowed], kind="stable")]
        if not matches.any():
            continue
        hits.append(bool(matches[0]))
        ranks = np.flatnonzero(matches) + 1
        precisions.append(float(np.mean(np.arange(1, len(ranks) + 1) / ranks)))
    if not hits:
        raise InvalidParameter("a colour probe needs people whom two cameras saw")
    return float(np.mean(hits)), float(np.mean(precisions)), len(hits)
