"""Keeps the view's generation of scoring in step with the statistics of the cameras.

Statistics move with every enrolment. What serves was frozen at some time, in the store, so that all
processes compare alike and a rebuild gives the same bits. Once the two would shift the embeddings
of some camera by `LIMIT` or more, what is true now is frozen, and the view goes over to it.

An erasure takes its part out of both in its own transaction; before it is answered, the view has
gone over to what is left.
"""

import threading
from dataclasses import dataclass
from typing import Final

from indexer import camera_statistics
from indexer.normalisation import Normalisation
from indexer.store import Store, generation, next_generation
from indexer.view import View
from model.errors import ErasePending

LIMIT: Final = 0.1
"""How far embeddings of some camera must be shifted for the view to be refreshed, as a share of
their own length once what all have in common is taken."""


@dataclass(frozen=True)
class _State:
    """What the store's statistics make of embeddings, now and as frozen."""

    generation: int
    now: Normalisation
    frozen: Normalisation

    @property
    def has_moved(self) -> bool:
        return self.now.distance(self.frozen) > LIMIT


class Refresher:
    """Of one view. Safe from any thread."""

    def __init__(self, store: Store, view: View, *, normalise: bool) -> None:
        self._store = store
        self._view = view
        self._normalise = normalise
        self._seen: _State | None = None
        self._refreshing = threading.Lock()

    @property
    def is_pending(self) -> bool:
        """Whether the view is about to go over to another generation."""
        if not self._normalise:
            return False
        state = self._state()
        return state.has_moved or self._is_behind(state)

    def refresh(self) -> bool:
        """Go over to the present statistics if they have moved enough; whether it did.

        Takes as long as it takes to build all vectors anew; searches go on meanwhile. Raises
        `StorageFull` and whatever else writing raises.
        """
        if not self._normalise:
            return False
        with self._refreshing:
            if self._state().has_moved:
                self._freeze()
            done = False
            while self._is_behind(state := self._state()):
                self._view.adopt(self._store, state.frozen)
                done = True
        return done

    def settle(self, patience: float) -> None:
        """After an erasure: let the view forget what was erased, statistics included.

        Raises `ErasePending` where a refresh is under way and takes longer than `patience` seconds.
        """
        if not self._view.is_filled:
            return
        self._view.follow(self._store)
        while self._normalise and self._is_behind(state := self._state()):
            if not self._view.adopt(self._store, state.frozen, patience):
                raise ErasePending(
                    "the rows are gone, but the index is being refreshed with statistics that still"
                    " count them; ask again for the receipt"
                )

    def _is_behind(self, state: _State) -> bool:
        serving = self._view.normalisation
        return serving is not state.frozen and (
            serving.generation != state.frozen.generation
            or serving.digest() != state.frozen.digest()
        )

    def _state(self) -> _State:
        seen = self._seen
        with self._store.reading() as connection:
            at = generation(connection)
            if seen is not None and seen.generation == at:
                return seen
            now = camera_statistics.read(connection, "now")
            frozen = camera_statistics.read(connection, "frozen")
            frozen_at = camera_statistics.frozen_at(connection)
        width = self._store.width
        self._seen = seen = _State(
            at, Normalisation.of(now, width, at), Normalisation.of(frozen, width, frozen_at)
        )
        return seen

    def _freeze(self) -> None:
        with self._store.writing() as connection:
            camera_statistics.freeze(connection, next_generation(connection))
