"""One number of threads for everything that computes.

ONNX Runtime, FAISS and OpenCV each start a pool as wide as the machine unless they are told. In one
process they would fight for the same cores, so one budget is set for all three.
"""

import math
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from model.errors import InvalidParameter
from model.opencv import cv2

_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_MOST_DECODERS = 4


@dataclass(frozen=True)
class ThreadBudget:
    """How many threads each part may use; embedding and search take turns on the same cores."""

    model: int
    """Inside one ONNX Runtime call."""
    search: int
    """Inside one FAISS call."""
    decode: int
    """Pictures decoded side by side; more than a few gain nothing for one tracklet."""


def thread_budget(threads: int = 0) -> ThreadBudget:
    """Split `threads`; 0 takes every core this process may use. Raises `InvalidParameter`."""
    if threads < 0:
        raise InvalidParameter(f"threads must be 0 (all cores) or more, not {threads}")
    total = threads or available_cores()
    return ThreadBudget(model=total, search=total, decode=min(total, _MOST_DECODERS))


def apply_thread_budget(threads: int = 0) -> ThreadBudget:
    """Set the process-wide pools of OpenCV and FAISS and return the budget for the rest.

    OpenCV gets one thread: pictures are decoded side by side, so a pool inside each call only adds
    to the crowd.
    """
    budget = thread_budget(threads)
    cv2.setNumThreads(1)
    if find_spec("faiss") is not None:
        import faiss

        faiss.omp_set_num_threads(budget.search)
    return budget


def available_cores(quota: Path = _CGROUP_QUOTA) -> int:
    """Cores that this process may use: its affinity, cut by the container's quota (cgroup v2)."""
    allowed = len(os.sched_getaffinity(0))
    try:
        limit, period = quota.read_text(encoding="ascii").split()
    except (OSError, ValueError):  # no cgroup v2, or not as documented: then no quota is known
        return allowed
    if not limit.isdigit() or not period.isdigit():
        return allowed
    return max(1, min(allowed, math.ceil(int(limit) / max(int(period), 1))))
