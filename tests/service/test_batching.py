"""The queue and its thread: bounded, honest about failures, one bad tracklet hurts nobody else."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest
from numpy.typing import NDArray

from model.bundle import Manifest
from model.errors import DeviceLost, ModelFailure, NotReady, QueueFull, SightlineError
from model.runtime import TrackletEmbedding
from service.batching import Batcher

Tracklet = NDArray[np.uint8]


def tracklet(value: int) -> Tracklet:
    return np.full((1, 2, 2, 3), value, dtype=np.uint8)


class Figures:
    """Takes note of what a batcher tells."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.batches: list[int] = []
        self.failures: list[str] = []

    def queued(self, seconds: float) -> None:
        self.waits.append(seconds)

    def batch(self, size: int, _: float) -> None:
        self.batches.append(size)

    def embedding_failed(self, code: str) -> None:
        self.failures.append(code)


class FakeEmbedder:
    """Fails on purpose: 13 raises, 66 loses the device, 99 kills the thread. Waits for `go`."""

    provider = "cpu"
    manifest: Manifest

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = threading.Event()
        self.go.set()
        self.busy = threading.Event()

    def embed(self, tracklets: Sequence[Tracklet]) -> list[TrackletEmbedding | ModelFailure]:
        self.busy.set()
        assert self.go.wait(10)
        values = [int(one[0, 0, 0, 0]) for one in tracklets]
        self.batches.append(values)
        if 13 in values:
            raise RuntimeError("poisoned")
        if 66 in values:
            raise DeviceLost("gone")
        if 99 in values:
            raise SystemExit
        return [_answer(value) for value in values]


def _answer(value: int) -> TrackletEmbedding:
    one = np.ones(1, dtype=np.float32)
    return TrackletEmbedding(np.full(1, value, dtype=np.float32), one, one, one)


@contextmanager
def running(embedder: FakeEmbedder, *, capacity: int = 8, max_batch: int = 4) -> Iterator[Batcher]:
    batcher = Batcher(embedder, capacity=capacity, max_batch=max_batch)
    batcher.start()
    try:
        yield batcher
    finally:
        embedder.go.set()
        batcher.stop()


def together(batcher: Batcher, values: Sequence[int]) -> list[float | SightlineError]:
    """Embed all at once and return each one's value or failure."""

    async def one(value: int) -> float | SightlineError:
        with batcher.reserve() as slot:
            try:
                done = await slot.embed(tracklet(value))
            except SightlineError as error:
                return error
            return float(done.answer.embedding[0])

    async def run() -> list[float | SightlineError]:
        return await asyncio.gather(*(one(value) for value in values))

    return asyncio.run(run())


def test_waiting_tracklets_are_batched_in_order() -> None:
    embedder = FakeEmbedder()
    with running(embedder, max_batch=4) as batcher:
        embedder.go.clear()
        threading.Timer(0.1, embedder.go.set).start()
        assert together(batcher, [1, 2, 3, 4, 5]) == [1, 2, 3, 4, 5]
        assert batcher.depth == 0

    assert sorted(value for batch in embedder.batches for value in batch) == [1, 2, 3, 4, 5]
    assert max(map(len, embedder.batches)) == 4


def test_a_poisoned_tracklet_fails_alone() -> None:
    embedder = FakeEmbedder()
    with running(embedder) as batcher:
        embedder.go.clear()
        threading.Timer(0.1, embedder.go.set).start()
        answers = together(batcher, [1, 2, 13, 4])
        again = together(batcher, [5])

    assert [answers[0], answers[1], answers[3]] == [1, 2, 4]
    assert isinstance(answers[2], ModelFailure)
    assert again == [5]


def test_the_queue_is_bounded_and_says_when_to_come_back() -> None:
    embedder = FakeEmbedder()
    with running(embedder, capacity=2) as batcher:
        with batcher.reserve(), batcher.reserve():
            with pytest.raises(QueueFull) as refused:
                batcher.reserve()
            assert batcher.depth == 2
        assert refused.value.retry_after is not None
        assert refused.value.retry_after > 0
        batcher.reserve().__exit__()


def test_those_refused_together_come_back_apart() -> None:
    with running(FakeEmbedder(), capacity=1) as batcher, batcher.reserve():
        told = []
        for _ in range(100):
            with pytest.raises(QueueFull) as refused:
                batcher.check_room()
            told.append(refused.value.retry_after or 0)
        assert batcher.depth == 1

    # A batch is taken to last half a second until the first one is done.
    assert min(told) >= 0.5
    assert max(told) <= 1
    assert max(told) - min(told) > 0.25


def test_cancelled_work_is_never_embedded() -> None:
    embedder = FakeEmbedder()
    embedder.go.clear()

    async def run(batcher: Batcher) -> None:
        first = asyncio.ensure_future(batcher.reserve().embed(tracklet(1)))
        await asyncio.to_thread(embedder.busy.wait, 10)
        second = asyncio.ensure_future(batcher.reserve().embed(tracklet(2)))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        embedder.go.set()
        await first

    with running(embedder, max_batch=1) as batcher:
        asyncio.run(run(batcher))
        together(batcher, [3])

    assert embedder.batches == [[1], [3]]


def test_a_lost_device_is_not_asked_again() -> None:
    embedder = FakeEmbedder()
    with running(embedder) as batcher:
        assert batcher.failure is None
        assert isinstance(together(batcher, [66])[0], DeviceLost)
        assert batcher.device_lost
        assert batcher.failure == "gone"
        with pytest.raises(NotReady):
            batcher.reserve()


# The thread dies of it, which is the point.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_thread_is_seen_and_leaves_nobody_waiting() -> None:
    embedder = FakeEmbedder()
    with running(embedder, max_batch=1) as batcher:
        embedder.go.clear()
        threading.Timer(0.1, embedder.go.set).start()
        answers = together(batcher, [99, 1])
        assert all(isinstance(answer, NotReady) for answer in answers)
        batcher._thread.join(5)
        assert batcher.failure is not None
        assert not batcher.device_lost
        with pytest.raises(NotReady):
            batcher.reserve()


def test_a_model_that_never_answers_is_seen_and_may_recover() -> None:
    embedder, now = FakeEmbedder(), [0.0]
    batcher = Batcher(embedder, capacity=8, max_batch=1, patience=10, clock=lambda: now[0])
    batcher.start()
    embedder.go.clear()
    with batcher.reserve():
        waiting = batcher.submit(tracklet(1))
        assert embedder.busy.wait(10)
        assert batcher.failure is None

        now[0] += 11

        assert batcher.failure == "the model has not answered for more than 10 s"
        with pytest.raises(NotReady):
            batcher.reserve()
        embedder.go.set()
        assert waiting.result(10).answer.embedding[0] == 1
    assert together(batcher, [2]) == [2]
    assert batcher.failure is None
    batcher.stop()


def test_it_tells_what_becomes_of_every_tracklet() -> None:
    embedder, figures = FakeEmbedder(), Figures()
    batcher = Batcher(embedder, capacity=8, max_batch=4, watcher=figures)
    batcher.start()
    together(batcher, [1, 13, 3])
    batcher.stop()

    assert sum(figures.batches) == 3
    assert len(figures.waits) == 3
    assert figures.failures == ["internal"]
