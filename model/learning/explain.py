"""Pictures of what a model does: where it looks (figures 5 to 7 of the paper), whom it ranks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from model.datasets.tracklets import TrackletSource
from model.learning.clip import read_clip
from model.learning.embed import ClipEmbedder, Look, read_test_clip
from model.learning.evaluate import Embedded
from model.learning.metrics import Labels, Retrieval, comparable
from model.opencv import cv2

SHOWN = 10
"""Gallery tracklets in a picture of a ranking."""

RED = 3.0
"""Multiple of the even share of attention that is drawn in full red."""

Frames = NDArray[np.uint8]


def attend(embedder: ClipEmbedder, tracklet: TrackletSource, frames: int) -> tuple[Frames, Look]:
    """The sampled frames [n, H, W, 3] and where the model looked in them."""
    clip = read_test_clip(tracklet, frames, embedder.size)
    return clip, embedder.look(clip)


def heat(frame: Frames, attention: NDArray[np.float32]) -> Frames:
    """Attention [rows, columns] over a frame [H, W, 3], bicubic, blue for none to red for much.

    Red is three times the even share or more, so that even attention looks even.
    """
    H, W = frame.shape[:2]
    smooth = cv2.resize(attention, (W, H), interpolation=cv2.INTER_CUBIC)
    level = np.clip(smooth / (RED * float(attention.mean())), 0, 1)
    colour = mpl.colormaps["jet"](level)[..., :3] * 255
    return np.asarray(0.55 * frame + 0.45 * colour, np.uint8)


def draw_attention(looks: Sequence[tuple[str, tuple[Frames, Look]]], path: Path) -> None:
    """Frames, and for each model their spatial heat and temporal attention as bars."""
    n = max(len(frames) for _, (frames, _) in looks)
    figure = Figure(figsize=(1 + 0.9 * n, 1.8 + 3.2 * len(looks)))
    figure.set_layout_engine("constrained", h_pad=0.12)
    rows = figure.subplots(1 + 2 * len(looks), n, squeeze=False)
    for axes in rows.flat:
        axes.set_axis_off()
    for k, frame in enumerate(looks[0][1][0]):
        rows[0, k].imshow(frame)
    for m, (name, (frames, look)) in enumerate(looks):
        for k, frame in enumerate(frames):
            rows[1 + 2 * m, k].imshow(heat(frame, look.spatial[k]))
        _caption(rows[1 + 2 * m, 0], f"{name}: spatial attention")
        _bars(rows[2 + 2 * m], look, name)
    figure.savefig(path, dpi=120)


def _bars(row: Sequence[Any], look: Look, name: str) -> None:
    """Temporal attention under each frame; GT's share of the frame beside it where there is one."""
    shares = None if look.global_ is None else look.global_.sum((1, 2))
    highest = max(float(look.temporal.max()), 0 if shares is None else float(shares.max()))
    for k, weight in enumerate(look.temporal.tolist()):
        axes = row[k]
        axes.set_axis_on()
        axes.bar([0], [weight], color="tab:blue")
        if shares is not None:
            axes.bar([1], [shares[k]], color="tab:orange")
        axes.axhline(1 / len(look.temporal), color="grey", linewidth=0.6)
        axes.set(ylim=(0, 1.1 * highest), xticks=[], yticks=[], xlim=(-0.7, 1.7))
        axes.set_xlabel(f"{weight:.2f}", fontsize=7)
    _caption(row[0], f"{name}: temporal (blue), global (orange)")


def _caption(axes: Any, text: str) -> None:
    """Above the whole row; it must not widen its own column."""
    axes.text(0, 1.02, text, transform=axes.transAxes, fontsize=8).set_in_layout(False)


def draw_rankings(
    embedded: Embedded, retrieval: Retrieval, size: tuple[int, int], folder: Path, count: int = 10
) -> list[Path]:
    """The `count` valid queries with the lowest average precision, each with its first ranks.

    Green frames are matches, red ones are not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    valid = np.flatnonzero(retrieval.valid)
    worst = valid[np.argsort(retrieval.average_precision[valid], kind="stable")][:count]
    paths = []
    for q in worst.tolist():
        path = folder / f"query-{q:05d}-rank-{retrieval.first_match[q]}.png"
        _draw_ranking(embedded, q, size, path)
        paths.append(path)
    return paths


def _draw_ranking(embedded: Embedded, q: int, size: tuple[int, int], path: Path) -> None:
    query, gallery = embedded.protocol.query[q], embedded.protocol.gallery
    allowed = comparable(_labels([query]), _labels(gallery))[0]
    similarity = np.where(allowed, embedded.gallery @ embedded.query[q], -np.inf)
    order = np.argsort(-similarity, kind="stable")[: min(SHOWN, int(allowed.sum()))]
    figure = Figure(figsize=(1 + 0.9 * len(order), 2.4), layout="constrained")
    row = figure.subplots(1, 1 + len(order), squeeze=False)[0]
    shown = [query, *(gallery[g] for g in order)]
    for axes, tracklet in zip(row, shown, strict=True):
        middle = [len(tracklet.frames) // 2]
        axes.imshow(read_clip(tracklet, middle, *size).frames[0])
        axes.set(xticks=[], yticks=[])
    row[0].set_title("query", fontsize=7)
    for axes, g in zip(row[1:], order.tolist(), strict=True):
        match = gallery[g].identity == query.identity
        axes.set_title(f"{similarity[g]:.2f}", fontsize=7)
        for spine in axes.spines.values():
            spine.set(color="tab:green" if match else "tab:red", linewidth=3)
    figure.savefig(path, dpi=100)


def _labels(tracklets: Sequence[TrackletSource]) -> Labels:
    return Labels(
        np.array([tracklet.identity for tracklet in tracklets], np.int64),
        np.array([tracklet.camera for tracklet in tracklets], np.int64),
    )
