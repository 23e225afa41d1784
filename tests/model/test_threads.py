"""One number of threads for ONNX Runtime, FAISS and OpenCV."""

import os
from pathlib import Path

import pytest

from model.errors import InvalidParameter
from model.opencv import cv2
from model.threads import apply_thread_budget, available_cores, thread_budget

faiss = pytest.importorskip("faiss")


def test_zero_takes_what_this_process_may_use() -> None:
    assert thread_budget(0).model == available_cores()


def test_one_number_bounds_every_part() -> None:
    for threads in (1, 2, 64):
        budget = thread_budget(threads)
        assert max(budget.model, budget.search, budget.decode) == threads
        assert budget.decode >= 1


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(InvalidParameter):
        thread_budget(-1)


def test_applying_sets_the_pools_of_opencv_and_faiss() -> None:
    before = cv2.getNumThreads(), faiss.omp_get_max_threads()
    try:
        apply_thread_budget(3)
        assert cv2.getNumThreads() == 1
        assert faiss.omp_get_max_threads() == 3
    finally:
        cv2.setNumThreads(before[0])
        faiss.omp_set_num_threads(before[1])


@pytest.mark.parametrize(
    ("text", "cores"),
    [("100000 100000", 1), ("150000 100000", 2), ("1000 100000", 1), ("6400000 100000", None)],
)
def test_a_container_quota_counts(tmp_path: Path, text: str, cores: int | None) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(text + "\n")
    allowed = len(os.sched_getaffinity(0))

    assert available_cores(quota) == min(cores or allowed, allowed)


@pytest.mark.parametrize("text", ["max 100000", "", "nonsense", "1 2 3"])
def test_without_a_quota_the_affinity_counts(tmp_path: Path, text: str) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(text)

    assert available_cores(quota) == len(os.sched_getaffinity(0))
    assert available_cores(tmp_path / "absent") == len(os.sched_getaffinity(0))
