"""The one way to the model: a bounded queue of tracklets and one thread that embeds them.

Work is admitted before it is decoded (`Batcher.reserve`), so that an overloaded service refuses
early and cheaply. Work whose client has gone is dropped before it is batched. A tracklet that makes
the model fail is embedded again alone, so that it fails alone. `Batcher.failure` says whether
the thread is still able to work: readiness is asked of the thread itself, not of a clock.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import structlog
from numpy.typing import NDArray

from model.errors import DeviceLost, ModelFailure, NotReady, QueueFull, SightlineError
from model.runtime import Embedder, TrackletEmbedding

log = structlog.get_logger("sightline.batching")

_SMOOTHING = 0.2
"""Weight of the newest batch in the running estimate of seconds per tracklet."""


@dataclass(frozen=True)
class Embedded:
    """A tracklet's embedding and how long it took, in seconds."""

    answer: TrackletEmbedding
    queued: float
    embedding: float


@dataclass
class _Job:
    frames: NDArray[np.uint8]
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
    """Owns the queue and the thread. `on_batch(size, seconds)` is told of every batch."""

    def __init__(
        self,
        embedder: Embedder,
        *,
        capacity: int,
        max_batch: int,
        on_batch: Callable[[int, float], None] = lambda _size, _seconds: None,
    ) -> None:
        self._embedder = embedder
        self._capacity, self._max_batch = capacity, max_batch
        self._on_batch = on_batch
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
    def failure(self) -> str | None:
        """Why no more tracklets can be embedded, or None while all is well."""
        if self._lost is not None:
            return self._lost
        if not self._thread.is_alive():
            return "the embedding thread is not running"
        return None

    @property
    def device_lost(self) -> bool:
        """Whether only a new process can help."""
        return self._lost is not None

    def reserve(self) -> Slot:
        """Take a place in the queue. Raises `QueueFull`, and `NotReady` where nobody works it."""
        if (reason := self.failure) is not None:
            raise NotReady(reason)
        with self._changed:
            if self._reserved >= self._capacity:
                raise QueueFull(
                    f"{self._capacity} tracklets are already waiting",
                    retry_after=self._reserved * self._seconds_each,
                )
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
        answers = self._answers([job.frames for job in batch])
        seconds = time.perf_counter() - started
        self._seconds_each += _SMOOTHING * (seconds / len(batch) - self._seconds_each)
        self._on_batch(len(batch), seconds)
        for job, answer in zip(batch, answers, strict=True):
            if isinstance(answer, SightlineError):
                job.future.set_exception(answer)
            else:
                job.future.set_result(Embedded(answer, started - job.submitted, seconds))

    def _answers(
        self, tracklets: Sequence[NDArray[np.uint8]]
    ) -> list[TrackletEmbedding | ModelFailure]:
        """One answer per tracklet, whatever the model does.

        The embedder has already done what can be done for a device in need (halving, trying
        again): a device that it reports as lost is not asked again.
        """
        if self._lost is not None:
            return [DeviceLost(self._lost) for _ in tracklets]
        try:
            return self._embedder.embed(tracklets)
        except DeviceLost as error:
            self._lost = error.detail
            log.error("device_lost", detail=error.detail, batch=len(tracklets))
            return [error for _ in tracklets]
        # Whatever one poisoned tracklet raises in the model must not take its neighbours along.
        except Exception:
            log.exception("embedding_failed", batch=len(tracklets))
            if len(tracklets) == 1:
                return [ModelFailure("the model failed on this tracklet")]
            return [answer for tracklet in tracklets for answer in self._answers([tracklet])]

    def _abandon(self, running: Sequence[_Job]) -> None:
        """Nobody will work the queue any more: say so to whoever waits."""
        with self._changed:
            self._stopping = True
            waiting, self._jobs = list(self._jobs), deque()
        stuck = [job for job in running if not job.future.done()]
        for job in stuck + [job for job in waiting if job.future.set_running_or_notify_cancel()]:
            job.future.set_exception(NotReady("the embedding thread has ended"))
