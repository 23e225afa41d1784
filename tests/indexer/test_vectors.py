"""FAISS as a view: exact, the same bits however it is laid out, safe beside writers."""

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer import vectors as module
from indexer.vectors import CpuVectors, GpuVectors, Vectors, open_vectors, scores
from model.errors import DeviceLost, DeviceUnavailable
from tests.support.galleries import FakeGpu

WIDTH = 24


def directions(n: int, seed: int = 0) -> NDArray[np.float16]:
    rows = np.random.default_rng(seed).standard_normal((n, WIDTH))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


def gpu_vectors(threads: int = 2) -> tuple[GpuVectors, FakeGpu]:
    made: list[FakeGpu] = []

    def make() -> FakeGpu:
        made.append(FakeGpu(WIDTH))
        return made[0]

    return GpuVectors(CpuVectors(WIDTH, threads), make), made[0]


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@pytest.mark.parametrize("share", [None, 1.0, 0.5, 0.01, 0.0])
def test_the_answer_is_complete_down_to_its_floor(device: str, share: float | None) -> None:
    rows = directions(3000)
    vectors: Vectors = CpuVectors(WIDTH, 3) if device == "cpu" else gpu_vectors()[0]
    for part in np.array_split(rows, 7):
        vectors.add(part)
    chosen = np.random.default_rng(1).random(len(rows)) < (1 if share is None else share)
    query = directions(1, seed=5)[0].astype(np.float32)
    exact = rows.astype(np.float64) @ query.astype(np.float64)

    nearest = vectors.nearest(query, 20, None if share is None else chosen)

    found = set(nearest.positions.tolist())
    assert found <= set(np.flatnonzero(chosen).tolist())
    assert len(found) == len(nearest.positions)
    assert {p for p in np.flatnonzero(chosen).tolist() if exact[p] > nearest.floor} <= found
    assert len(found) >= min(10, chosen.sum())
    vectors.close()


def test_a_search_waits_for_no_threads_of_faiss() -> None:
    vectors = CpuVectors(WIDTH, 2)
    vectors.add(directions(10))
    faiss.omp_set_num_threads(2)

    vectors.nearest(directions(1)[0].astype(np.float32), 3, None)

    assert faiss.omp_get_max_threads() == 1
    vectors.close()


@given(st.integers(0, 300), st.integers(1, 5), st.data())
@settings(max_examples=30, deadline=None)
def test_stored_bits_survive_layout_and_compaction(
    n: int, threads: int, data: st.DataObject
) -> None:
    rows = directions(n)
    vectors = CpuVectors(WIDTH, threads)
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=4)))
    for part in np.split(rows, cuts):
        vectors.add(part)
    assert vectors.read(np.arange(n)).tobytes() == rows.tobytes()
    stay = np.array(sorted(data.draw(st.sets(st.integers(0, max(n - 1, 0)), max_size=n))), np.int64)
    stay = stay[stay < n]
    vectors.keep(stay)
    assert len(vectors) == len(stay)
    assert vectors.read(np.arange(len(stay))).tobytes() == rows[stay].tobytes()
    vectors.close()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_scores_are_the_same_bits_with_any_number_of_threads(threads: int) -> None:
    rows, query = directions(300), directions(1, seed=9)[0].astype(np.float32)
    vectors = CpuVectors(WIDTH, threads)
    vectors.add(rows)
    whole = scores(vectors, query, np.arange(300))
    single = [scores(vectors, query, np.array([position]))[0] for position in range(300)]
    assert whole.tolist() == single
    assert whole.tolist() == pytest.approx((rows.astype(float) @ query.astype(float)).tolist())
    vectors.close()


def test_a_blanked_vector_is_overwritten() -> None:
    vectors = CpuVectors(WIDTH, 2)
    vectors.add(directions(5))
    vectors.blank(3)
    assert not vectors.read(np.array([3])).any()
    assert vectors.read(np.array([2, 4])).tobytes() == directions(5)[[2, 4]].tobytes()
    vectors.close()


def test_a_gpu_that_ignores_filters_finds_nothing_forbidden() -> None:
    vectors, fake = gpu_vectors()
    vectors.add(directions(1000))
    query = directions(1)[0].astype(np.float32)
    allowed = np.ones(1000, bool)
    allowed[0] = False  # the nearest of all
    assert 0 not in vectors.nearest(query, 5, allowed).positions
    assert fake.searches
    vectors.close()


def test_a_selective_filter_goes_to_the_cpu() -> None:
    vectors, fake = gpu_vectors()
    vectors.add(directions(5000))
    allowed = np.zeros(5000, bool)
    allowed[[17, 4711]] = True
    found = vectors.nearest(directions(1)[0].astype(np.float32), 5, allowed)
    assert sorted(found.positions.tolist()) == [17, 4711]
    assert found.floor == -np.inf
    assert fake.searches == []
    vectors.close()


def test_what_is_dropped_leaves_the_gpu_too() -> None:
    vectors, fake = gpu_vectors()
    vectors.add(directions(3000))
    vectors.keep(np.arange(0, 3000, 2))
    assert fake.rows.astype(np.float16).tobytes() == directions(3000)[::2].tobytes()
    vectors.close()


def test_a_failing_gpu_is_never_replaced_silently() -> None:
    vectors, fake = gpu_vectors()
    vectors.add(directions(10))
    fake.broken = True
    with pytest.raises(DeviceLost, match="CUDA"):
        vectors.nearest(directions(1)[0].astype(np.float32), 3, None)
    vectors.close()


def test_the_device_is_never_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "gpu_is_there", lambda: False)
    with pytest.raises(DeviceUnavailable):
        open_vectors(WIDTH, "cuda", 1)
    for device, make, effective in (
        ("auto", None, "cpu"),
        ("cpu", lambda: FakeGpu(WIDTH), "cpu"),
        ("auto", lambda: FakeGpu(WIDTH), "cuda:0"),
        ("cuda", lambda: FakeGpu(WIDTH), "cuda:0"),
    ):
        vectors = open_vectors(WIDTH, device, 1, make)  # type: ignore[arg-type]
        assert vectors.device == effective
        vectors.close()
