"""What every data set becomes: tracklets with labels, and the protocols that test on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from model.errors import InvalidParameter

Scope = Literal["everywhere", "same place", "other places"]
"""Which of a gallery's tracklets a query is compared with, by the environment of their cameras."""

DISTRACTOR = -1
"""Identity of a gallery tracklet that shows nobody from the queries; a match for no one."""


class Frames(Interface):
    """A tracklet's frames in the order of time, read when asked for."""

    def __len__(self) -> int: ...

    def read(self, index: int) -> bytes:
        """One encoded picture."""


class Truth(Interface):
    """What a synthetic world knows about a tracklet's frames."""

    @property
    def visible(self) -> NDArray[np.float32]:
        """[n], the share of the person that nothing hides."""

    @property
    def foreign(self) -> NDArray[np.bool_]:
        """[n], True where the tracker was on somebody else."""

    def person(self, index: int) -> NDArray[np.bool_]:
        """Where the person is seen in frame `index`: [rows, columns], any resolution."""


@dataclass(frozen=True)
class TrackletSource:
    """One person in front of one camera for a while."""

    identity: int
    camera: int
    frames: Frames
    environment: int = 0
    """Cameras of one environment look at one place."""
    family: int | None = None
    """Lookalikes share a family, where the world knows."""
    truth: Truth | None = None


@dataclass(frozen=True)
class Protocol:
    """One way to test: every query against the gallery, or against the part of it in `scope`.

    Results of two protocols cannot be compared, so a protocol's name goes wherever a figure goes.
    """

    name: str
    query: tuple[TrackletSource, ...]
    gallery: tuple[TrackletSource, ...]
    scope: Scope = "everywhere"


@dataclass(frozen=True)
class Dataset:
    """`train` shares no identity with the first protocol; it is empty in a set for testing only."""

    name: str
    train: tuple[TrackletSource, ...]
    protocols: tuple[Protocol, ...]

    def protocol(self, name: str) -> Protocol:
        """Raises `InvalidParameter` with the names that there are."""
        for protocol in self.protocols:
            if protocol.name == name:
                return protocol
        known = ", ".join(repr(protocol.name) for protocol in self.protocols)
        raise InvalidParameter(f"{self.name} has no protocol {name!r}; it has {known}")


def identities(tracklets: tuple[TrackletSource, ...]) -> NDArray[np.int64]:
    """Identity of each tracklet: [n]."""
    return np.array([tracklet.identity for tracklet in tracklets], np.int64)


def places(tracklets: tuple[TrackletSource, ...]) -> NDArray[np.int64]:
    """Environment of each tracklet: [n]."""
    return np.array([tracklet.environment for tracklet in tracklets], np.int64)


def cameras(tracklets: tuple[TrackletSource, ...]) -> NDArray[np.int64]:
    """Camera of each tracklet: [n]."""
    return np.array([tracklet.camera for tracklet in tracklets], np.int64)


def joined(datasets: Sequence[Dataset]) -> Dataset:
    """Train on all of them: nobody, no camera and no place of one is the same as of another.

    Numbers of the second and later sets are moved behind those before. Protocols are those of the
    first. Raises `InvalidParameter` for no data set at all.
    """
    if not datasets:
        raise InvalidParameter("there is no data set to open")
    first = datasets[0]
    train = list(first.train)
    for other in datasets[1:]:
        train += _moved_behind(train, other.train)
    return Dataset("+".join(one.name for one in datasets), tuple(train), first.protocols)


def _moved_behind(
    before: Sequence[TrackletSource], tracklets: Sequence[TrackletSource]
) -> list[TrackletSource]:
    """`tracklets` with labels that none of `before` has."""
    person = 1 + max((one.identity for one in before), default=-1)
    camera = 1 + max((one.camera for one in before), default=-1)
    place = 1 + max((one.environment for one in before), default=-1)
    family = 1 + max((one.family for one in before if one.family is not None), default=-1)
    return [
        replace(
            one,
            identity=person + one.identity,
            camera=camera + one.camera,
            environment=place + one.environment,
            family=None if one.family is None else family + one.family,
        )
        for one in tracklets
    ]
