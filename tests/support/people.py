"""Made-up people as tracklets in memory: every person a colour of jacket and trousers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.datasets.tracklets import Dataset, Protocol, TrackletSource
from model.decode import encode_jpeg

HEIGHT, WIDTH = 64, 32


@dataclass(frozen=True)
class MemoryFrames:
    """Frames that are bytes already."""

    pictures: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.pictures)

    def read(self, index: int) -> bytes:
        return self.pictures[index]


@dataclass(frozen=True)
class BoxTruth:
    """The person is a box in the middle."""

    visible: NDArray[np.float32]

    @property
    def foreign(self) -> NDArray[np.bool_]:
        return np.zeros(len(self.visible), np.bool_)

    def person(self, index: int) -> NDArray[np.bool_]:
        mask = np.zeros((HEIGHT, WIDTH), np.bool_)
        mask[4:60, 8:24] = True
        return mask


def person_frame(identity: int, camera: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One frame [64, 32, 3]: two colours of clothes before a camera's own background."""
    colours = np.random.default_rng([7, identity]).integers(0, 256, (2, 3))
    frame = np.empty((HEIGHT, WIDTH, 3))
    frame[:] = np.random.default_rng([8, camera]).integers(60, 200, 3)
    frame[4:32, 8:24], frame[32:60, 8:24] = colours
    noisy = frame + rng.normal(0, 8, frame.shape) + rng.normal(0, 10, 3)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def tracklet(
    identity: int,
    camera: int,
    *,
    frames: int = 6,
    environment: int = 0,
    family: int | None = None,
    truth: bool = True,
) -> TrackletSource:
    """A tracklet of a person in memory."""
    rng = np.random.default_rng([9, identity, camera])
    pictures = tuple(encode_jpeg(person_frame(identity, camera, rng)) for _ in range(frames))
    return TrackletSource(
        identity=identity,
        camera=camera,
        frames=MemoryFrames(pictures),
        environment=environment,
        family=family,
        truth=BoxTruth(np.ones(frames, np.float32)) if truth else None,
    )


def dataset(people: int = 12, cameras: int = 3, test_people: int = 6) -> Dataset:
    """Two environments, families of two; test people are others than those to train on."""
    train = tuple(
        tracklet(person, camera + 10 * (person % 2), environment=person % 2, family=person // 4)
        for person in range(people)
        for camera in range(cameras)
    )
    test = tuple(
        tracklet(100 + person, camera) for person in range(test_people) for camera in range(cameras)
    )
    return Dataset("made-up", train, (Protocol("all against all", test, test),))
