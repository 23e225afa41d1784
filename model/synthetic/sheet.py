"""Contact sheets: many people from many cameras on one picture, to be looked at."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from model.errors import InvalidParameter
from model.synthetic.reader import SyntheticWorld

Picture = NDArray[np.uint8]


def contact_sheet(
    world: SyntheticWorld, people: int = 8, cameras: int = 6, frames: int = 4
) -> Picture:
    """One row per person (families stay together), one block of `frames` per tracklet; RGB.

    At most so many `people` and `cameras`; the sheet is smaller where the world has fewer.
    """
    by_person: dict[int, list[int]] = {}
    for place, tracklet in enumerate(world.tracklets):
        by_person.setdefault(tracklet.identity, []).append(place)
    chosen = _spread(sorted(by_person), people)
    blocks = min(cameras, world.config.tracklets_per_identity)
    rows = [
        _row(world, by_person[identity][:blocks], frames, blocks * frames) for identity in chosen
    ]
    return np.vstack(rows)


def _spread(identities: Sequence[int], people: int) -> list[int]:
    """Half of the people are neighbours (lookalikes, if any), half come from everywhere."""
    near = list(identities[: people // 2])
    rest = [identity for identity in identities if identity not in set(near)]
    step = max(1, len(rest) // max(1, people - len(near)))
    return near + rest[::step][: people - len(near)]


def _row(world: SyntheticWorld, places: Sequence[int], frames: int, width: int) -> Picture:
    blank = np.full((world.config.frame_height, world.config.frame_width, 3), 40, np.uint8)
    tiles: list[Any] = []
    for place in places:
        numbers = world.tracklets[place].frames
        picked = np.linspace(numbers.start, numbers.stop - 1, frames).round().astype(int)
        tiles.extend(decode(world.jpeg(int(number))) for number in picked)
    tiles.extend([blank] * (width - len(tiles)))
    return np.hstack(tiles)


def decode(data: bytes) -> Picture:
    """A stored frame as RGB."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.ascontiguousarray(picture[:, :, ::-1])


def write_sheet(world: SyntheticWorld, path: Path) -> None:
    """Write the contact sheet as PNG or JPEG, by the name's suffix."""
    if path.suffix.lower() not in {".png", ".jpg", ".jpeg"}:
        raise InvalidParameter("a sheet is a .png or a .jpg file")
    ok, data = cv2.imencode(path.suffix, contact_sheet(world)[:, :, ::-1])
    assert ok
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(data))
