"""Small archives in exact layouts, made of people whom the fake model can tell apart."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.decode import encode_jpeg
from model.opencv import cv2
from tests.support.fake_bundle import person

SCENE = (120, 160)
"""Height and width of the videos' frames."""


def write_crops(folder: Path, frames: NDArray[np.uint8], suffix: str = ".jpg") -> Path:
    """One picture per frame, named by its number."""
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames, start=1):
        (folder / f"{number:04d}{suffix}").write_bytes(encode_jpeg(frame))
    return folder


def write_tracklets(
    root: Path, seeds: Mapping[str, int], *, frames: int = 4, lines: Iterable[Any] = ()
) -> Path:
    """`<camera>/<tracklet>/*.jpg` of the people by their seeds, and a sidecar with `lines`."""
    for place, seed in seeds.items():
        write_crops(root / place, person(seed, frames))
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    if text:
        (root / "tracklets.jsonl").write_text(text, encoding="utf-8")
    return root


def write_video(
    path: Path, seeds: Iterable[int], frames: int, *, drift: int = 1, fps: float = 10
) -> list[str]:
    """An mp4 in which bright people stand side by side; returns their MOTChallenge lines.

    The n-th person (from 1) stands in a box of 32 x 64 pixels that moves to and fro.
    """
    people = [220 + person(seed, frames) // 8 for seed in seeds]
    path.parent.mkdir(parents=True, exist_ok=True)
    size = (SCENE[1], SCENE[0])
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
    lines = []
    for frame in range(frames):
        scene = np.full((*SCENE, 3), 128, dtype=np.uint8)
        for number, looks in enumerate(people, start=1):
            x, y = 12 + 48 * (number - 1) + drift * (frame % 8), 20
            scene[y : y + 64, x : x + 32] = looks[frame]
            lines.append(f"{frame + 1},{number},{x},{y},32,64,1,-1,-1,-1")
        writer.write(cv2.cvtColor(scene, cv2.COLOR_RGB2BGR))
    writer.release()
    return lines


def write_mot(root: Path, camera: str, seeds: Iterable[int], frames: int) -> Path:
    """`<camera>.mp4` beside `<camera>.txt`."""
    lines = write_video(root / f"{camera}.mp4", seeds, frames)
    (root / f"{camera}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root
