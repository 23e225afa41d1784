"""What filters and ranking need of each vector, by its position: who, where, when, which row."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.changes import Change
from indexer.ranking import UNLABELLED
from indexer.records import Filter
from indexer.rows import micros_of
from indexer.vectors import Mask

_NO_TIME = np.iinfo(np.int64).min
_COLUMNS = np.dtype(
    [
        ("seq", np.int64),
        ("captured_at", np.int64),
        ("label", np.int32),
        ("camera", np.int32),
        ("alive", np.bool_),
    ],
    align=True,
)


class Names:
    """Numbers for names, in the order of first use."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []

    def number(self, name: str | None) -> int:
        """-1 for no name."""
        if name is None:
            return -1
        if name not in self._numbers:
            self._numbers[name] = len(self._names)
            self._names.append(name)
        return self._numbers[name]

    def name(self, number: int) -> str | None:
        return None if number < 0 else self._names[number]

    def known(self, names: frozenset[str]) -> list[int]:
        return [self._numbers[name] for name in names if name in self._numbers]


class Put(NamedTuple):
    """Where a change went, and what it means for the vector there."""

    position: int
    is_new: bool
    camera_changed: bool
    labels: tuple[int, ...]
    """The identity's number, and the one before where there was another."""


class Columns:
    """Rows by position; a position that has lost its tracklet stays until `keep`."""

    def __init__(self) -> None:
        self._rows = np.zeros(0, _COLUMNS)
        self._ids: list[str] = []
        self._places: dict[int, int] = {}
        self._identities, self._cameras = Names(), Names()

    def __len__(self) -> int:
        """Positions, dead ones too."""
        return len(self._ids)

    @property
    def dead(self) -> int:
        return len(self._ids) - len(self._places)

    @property
    def ids(self) -> Sequence[str]:
        return self._ids

    @property
    def labels(self) -> NDArray[np.int32]:
        """Identity numbers [n]; `UNLABELLED` for none."""
        labels: NDArray[np.int32] = self._rows["label"][: len(self._ids)]
        return labels

    @property
    def seqs(self) -> NDArray[np.int64]:
        """Row numbers [n]; 0 where there is none any more."""
        seqs: NDArray[np.int64] = self._rows["seq"][: len(self._ids)]
        return seqs

    @property
    def cameras(self) -> NDArray[np.int32]:
        """Camera numbers [n]; -1 for none."""
        cameras: NDArray[np.int32] = self._rows["camera"][: len(self._ids)]
        return cameras

    @property
    def alive(self) -> Mask:
        alive: Mask = self._rows["alive"][: len(self._ids)]
        return alive

    def identity(self, label: int) -> str | None:
        return self._identities.name(label)

    def camera_names(self, numbers: NDArray[np.int32]) -> list[str | None]:
        return [self._cameras.name(number) for number in numbers.tolist()]

    def place(self, seq: int) -> int | None:
        """The position of a row."""
        return self._places.get(seq)

    def put(self, change: Change) -> Put:
        """Take in a row that is new or was changed."""
        place = self._places.get(change.seq)
        camera = self._cameras.number(change.camera)
        label = self._identities.number(change.identity)
        if place is None:
            put = Put(len(self._ids), is_new=True, camera_changed=False, labels=(label,))
            self._places[change.seq] = put.position
            self._ids.append(change.tracklet_id)
            self._grow()
        else:
            changed = bool(self._rows["camera"][place] != camera)
            labels = (label, int(self._rows["label"][place]))
            put = Put(place, is_new=False, camera_changed=changed, labels=labels)
        self._rows[put.position] = (
            change.seq,
            _NO_TIME if change.captured_at is None else change.captured_at,
            label,
            camera,
            True,
        )
        return put

    def remove(self, seq: int) -> int | None:
        """The position that is dead from now on; None where the row was not here."""
        place = self._places.pop(seq, None)
        if place is not None:
            self._ids[place] = ""
            self._rows[place] = (0, _NO_TIME, UNLABELLED, -1, False)
        return place

    def keep(self, positions: NDArray[np.int64]) -> None:
        """Drop all others; what stays moves up in the order given."""
        self._rows = self._rows[positions]
        self._ids = [self._ids[place] for place in positions.tolist()]
        self._places = {seq: place for place, seq in enumerate(self._rows["seq"].tolist())}

    def allowed(self, wanted: Filter, exclude: int | None) -> Mask | None:
        """Which positions may be found; None for all. `exclude` is the number of a row."""
        if wanted.is_open and not self.dead:
            return None
        rows = self._rows[: len(self._ids)]
        allowed = rows["alive"].copy()
        if wanted.cameras:
            allowed &= np.isin(rows["camera"], self._cameras.known(wanted.cameras))
        if wanted.exclude_cameras:
            allowed &= ~np.isin(rows["camera"], self._cameras.known(wanted.exclude_cameras))
        if wanted.identity is not None:
            known = self._identities.known(frozenset([wanted.identity]))
            allowed &= np.isin(rows["label"], known)
        allowed &= _within(rows["captured_at"], wanted)
        if exclude is not None and exclude in self._places:
            allowed[self._places[exclude]] = False
        return allowed

    def counts(self) -> tuple[int, int]:
        """Tracklets, and distinct identities among them."""
        labels = self.labels[self.alive]
        labelled = np.bincount(labels[labels != UNLABELLED])
        return len(labels), int(np.count_nonzero(labelled))

    def _grow(self) -> None:
        if len(self._ids) > len(self._rows):
            larger = np.zeros(2 * len(self._ids), _COLUMNS)
            larger[: len(self._rows)] = self._rows
            self._rows = larger


def _within(captured_at: NDArray[np.int64], wanted: Filter) -> Mask | np.bool_:
    inside: Mask | np.bool_ = np.True_
    if wanted.captured_after is not None:
        inside = (captured_at >= micros_of(wanted.captured_after)) & (captured_at != _NO_TIME)
    if wanted.captured_before is not None:
        inside = inside & (captured_at < micros_of(wanted.captured_before))
        inside = inside & (captured_at != _NO_TIME)
    return inside
