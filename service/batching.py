"""The one way to the model: a bounded queue of tracklets and one thread that embeds them.

Work is admitted before it is decoded (`Batcher.reserve`), and the guard asks whether there is room
before it is even received (`Batcher.check_room`), so that an overloaded service refuses early and
cheaply. Work whose client has gone is dropped before it is batched. A tracklet that makes
the model fail is embedded again alone, so that it fails alone. `Batcher.failure` says whether
the thread is still able to work: readiness is asked of the thread itself, which has to be alive,
have a device, and get done with what it began.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
import structlog
from numpy.typing import NDArray

from model.errors import DeviceLost, ModelFailure, NotReady, QueueFull, SightlineError
from model.runtime import Embedder, TrackletEmbedding
from service.retrying import spread

log = structlog.get_logger("sightline.batching")

_SMOOTHING = 0.2
"""Weight of the newest batch in the running estimate of seconds per tracklet."""

_PATIENCE_SECONDS = 120.0
"""A batch takes seconds at most; one that takes longer than this is stuck."""


class Watcher(Protocol):
    """Is told what happens to tracklets (`service.metrics`)."""

    def queued(self, seconds: float) -> None:
        """How long one waited for the model."""

    def batch(self, size: int, seconds: float) -> None:
        """How long the model took for so many."""

    def embedding_failed(self, code: str) -> None:
        """One could not be embedded."""


class _Nobody:
    def queued(self, _: float) -> None: ...

    def batch(self, _: int, __: float) -> None: ...

    def embedding_failed(self, _: str) -> None: ...


@dataclass(frozen=True)
class Embedded:
    """A tracklet's embedding and how long it took, in seconds."""

    answer: TrackletEmbedding
    queued: float
    embedding: float


@dataclass
class _Job:
    frames: NDArray[np.uint8]
    request_id: Any = field(
        default_factory=lambda: structlog.contextvars.get_contextvars().get("request_id")
    )
    submitted: float = field(default_factory=time.perf_counter)
    future: "Future[Embedded]" = field(default_factory=Future)


class Slot:
    """A reserved place in the queue, given back when the `with` block ends."""

    def __init__(self, batcher: "Batcher") -> None:
        self._batcher = batcher

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._batcher.release()

    async def embed(self, frames: NDArray[np.uint8]) -> Embedded:
        """Embed one tracklet, uint8 [n, H, W, 3]; cancelling drops it while it waits.

        Raises `ModelOutputInvalid`, `DeviceLost`, `NotReady`.
        """
        return await asyncio.wrap_future(self._batcher.submit(frames))


class Batcher:
    """Owns the queue and the thread."""

    def __init__(
        self,
        embedder: Embedder,
        *,
        capacity: int,
        max_batch: int,
        watcher: Watcher | None = None,
        patience: float = _PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._embedder = embedder
        self._capacity, self._max_batch = capacity, max_batch
        self._watcher: Watcher = watcher or _Nobody()
        self._patience, self._clock = patience, clock
        self._busy_since: float | None = None
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._reserved = 0
        self._lost: str | None = None
        self._seconds_each = 0.5
        self._thread = threading.Thread(target=self._run, name="embedding", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Let the running batch end, fail what still waits, and end the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout)

    @property
    def depth(self) -> int:
        """Tracklets admitted and not yet answered."""
        return self._reserved

    @property
    def is_full(self) -> bool:
        """Whether no more can be admitted now."""
        return self._reserved >= self._capacity

    @property
    def failure(self) -> str | None:
        """Why no more tracklets can be embedded, or None while all is well."""
        if self._lost is not None:
            return self._lost
        if not self._thread.is_alive():
            return "the embedding thread is not running"
        busy_since = self._busy_since
        if busy_since is not None and self._clock() - busy_since > self._patience:
            return f"the model has not answered for more than {self._patience:g} s"
        return None

    @property
    def device_lost(self) -> bool:
        """Whether only a new process can help."""
        return self._lost is not None

    def check_room(self) -> None:
        """Raises what `reserve` would raise now, and takes nothing."""
        if (reason := self.failure) is not None:
            raise NotReady(reason)
        if self.is_full:
            raise QueueFull(
                f"{self._capacity} tracklets are already waiting",
                retry_after=spread(self._reserved * self._seconds_each),
            )

    def reserve(self) -> Slot:
        """Take a place in the queue. Raises `QueueFull`, and `NotReady` where nobody works it."""
        with self._changed:
            self.check_room()
            self._reserved += 1
        return Slot(self)

    def release(self) -> None:
        with self._changed:
            self._reserved -= 1

    def submit(self, frames: NDArray[np.uint8]) -> "Future[Embedded]":
        """Queue one tracklet of a reserved place."""
        job = _Job(frames)
        with self._changed:
            if self._stopping or not self._thread.is_alive():
                raise NotReady("the embedding thread has ended")
            self._jobs.append(job)
            self._changed.notify()
        return job.future

    def _run(self) -> None:
        batch: list[_Job] | None = []
        try:
            while (batch := self._next_batch()) is not None:
                if batch:
                    self._embed_batch(batch)
        finally:
            self._abandon(batch or [])

    def _next_batch(self) -> list[_Job] | None:
        """What waits now, at most `max_batch` and without the cancelled; None at the end.

        Nothing is waited for to fill a batch: a lone request must not pay for others.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._stopping)
            if self._stopping:
                return None
            batch: list[_Job] = []
            while self._jobs and len(batch) < self._max_batch:
                job = self._jobs.popleft()
                if job.future.set_running_or_notify_cancel():
                    batch.append(job)
            return batch

    def _embed_batch(self, batch: Sequence[_Job]) -> None:
        started = time.perf_counter()
        self._busy_since = self._clock()
        answers = self._answers(batch)
        self._busy_since = None
        seconds = time.perf_counter() - started
        self._seconds_each += _SMOOTHING * (seconds / len(batch) - self._seconds_each)
        self._watcher.batch(len(batch), seconds)
        for job, answer in zip(batch, answers, strict=True):
            self._watcher.queued(started - job.submitted)
            if isinstance(answer, SightlineError):
                self._watcher.embedding_failed(answer.code)
                job.future.set_exception(answer)
            else:
                job.future.set_result(Embedded(answer, started - job.submitted, seconds))

    def _answers(self, batch: Sequence[_Job]) -> list[TrackletEmbedding | ModelFailure]:
        """One answer per tracklet, whatever the model does.

        The embedder has already done what can be done for a device in need (halving, trying
        again): a device that it reports as lost is not asked again.
        """
        if self._lost is not None:
            return [DeviceLost(self._lost) for _ in batch]
        try:
            return self._embedder.embed([job.frames for job in batch])
        except DeviceLost as error:
            self._lost = error.detail
            log.error("device_lost", detail=error.detail, requests=_requests(batch))
            return [error for _ in batch]
        # Whatever one poisoned tracklet raises in the model must not take its neighbours along.
        except Exception:
            log.exception("embedding_failed", requests=_requests(batch))
            if len(batch) == 1:
                return [ModelFailure("the model failed on this tracklet")]
            return [answer for job in batch for answer in self._answers([job])]

    def _abandon(self, running: Sequence[_Job]) -> None:
        """Nobody will work the queue any more: say so to whoever waits."""
        with self._changed:
            self._stopping = True
            waiting, self._jobs = list(self._jobs), deque()
        stuck = [job for job in running if not job.future.done()]
        for job in stuck + [job for job in waiting if job.future.set_running_or_notify_cancel()]:
            job.future.set_exception(NotReady("the embedding thread has ended"))


def _requests(batch: Sequence[_Job]) -> list[Any]:
    return [job.request_id for job in batch]
