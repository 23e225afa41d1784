"""Pictures of what a model does: where it looks (figures 5 to 7 of the paper), whom it ranks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from model.datasets.tracklets import TrackletSource
from model.learning.attention import HIDDEN, Watched
from model.learning.clip import read_clip
from model.learning.embed import ClipEmbedder, Look, read_test_clip
from model.learning.evaluate import Embedded, labels
from model.learning.metrics import Retrieval, comparable
from model.opencv import cv2

WATCHED = 8
"""Tracklets in a picture of measured attention."""
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


def draw_watched(
    watched: Sequence[Watched], frames: int, size: tuple[int, int], path: Path
) -> None:
    """Tracklets that hide something, a row each, with each frame's share of attention as a bar.

    The line is the even share. Below the bar stands the share, and how much of the person is seen.
    A red frame is another person's (a tracker jump, or the stranger that was swapped in), an orange
    one is hidden. A second row shows the tracklet with its stranger.
    """
    telling = sorted(watched, key=lambda one: -float(one.visible.std()))[:WATCHED]
    rows = []
    for one in telling:
        clip = read_test_clip(one.tracklet, frames, size)
        rows.append(_watched_row(clip, one.temporal, one, None))
        if one.stranger is not None:
            clip[one.stranger.place] = one.stranger.frame
            rows.append(_watched_row(clip, one.stranger.temporal, one, one.stranger.place))
    width = max(row.shape[1] for row in rows)
    padded = [
        np.pad(row, ((0, 8), (0, width - row.shape[1]), (0, 0)), constant_values=255)
        for row in rows
    ]
    done, data = cv2.imencode(path.suffix, np.vstack(padded)[..., ::-1])
    assert done
    path.write_bytes(data.tobytes())


_CELL = (128, 64)
_BAR = 40
_RED, _ORANGE, _WHITE, _BLUE, _GREY = (
    (214, 39, 40),
    (255, 127, 14),
    (255, 255, 255),
    (31, 119, 180),
    (150, 150, 150),
)


def _watched_row(
    clip: Frames, shares: NDArray[np.float64], one: Watched, swapped: int | None
) -> Frames:
    """Frames side by side, their bars and numbers below: RGB."""
    cells = []
    for k, frame in enumerate(clip):
        other = k == swapped or bool(one.foreign[k])
        colour = _RED if other else _ORANGE if one.visible[k] < HIDDEN else _WHITE
        height, width = _CELL
        small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        picture = cv2.copyMakeBorder(small, 3, 3, 3, 3, cv2.BORDER_CONSTANT, value=colour)
        below = np.full((_BAR + 26, width + 6, 3), 255, np.uint8)
        bar = round(min(shares[k] / RED, 1) * _BAR)
        below[_BAR - bar : _BAR, 14 : width - 8] = _BLUE
        below[_BAR - round(_BAR / RED), :] = _GREY
        seen = "other" if other else f"{one.visible[k]:.2f} seen"
        for line, text in enumerate((f"x {shares[k]:.2f}", seen)):
            place = (8, _BAR + 10 + 12 * line)
            cv2.putText(below, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.33, (0, 0, 0), 1)
        cells.append(np.vstack([picture, below]))
    return np.hstack(cells)


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
    allowed = comparable(labels((query,)), labels(gallery), embedded.protocol.scope)[0]
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
