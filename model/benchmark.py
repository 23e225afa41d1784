"""Timing that can be believed: which machine, whether it is idle, and sides that take turns.

A figure measured while something else runs says nothing, and neither does a ratio of two figures
measured minutes apart. So a busy machine is noticed first, and the sides of a comparison alternate.
"""

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from model.errors import InvalidParameter
from model.threads import available_cores

REPEATS = 7
"""Runs of each side; the median is reported."""

_STAT = Path("/proc/stat")
_TELLING_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
_IDLE_SHARE = 0.1


@dataclass(frozen=True)
class Machine:
    """What a figure depends on, of the machine it was measured on."""

    processor: str
    cores: int
    """Cores that this process may use."""
    flags: tuple[str, ...]
    """Instruction sets that decide how fast matrices multiply."""
    load: float
    """Load average over the last minute."""
    busy_cores: float
    """Cores in use, measured while this process slept."""

    @property
    def is_idle(self) -> bool:
        return self.busy_cores <= _IDLE_SHARE * self.cores


@dataclass(frozen=True)
class Timing:
    """Seconds of every run of one side."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def describe_machine(seconds: float = 1.0) -> Machine:
    """Look at the machine, for `seconds` of doing nothing."""
    facts = dict(_processor_facts())
    flags = facts.get("flags", "").split()
    return Machine(
        processor=facts.get("model name", "unknown"),
        cores=available_cores(),
        flags=tuple(flag for flag in _TELLING_FLAGS if flag in flags),
        load=os.getloadavg()[0],
        busy_cores=busy_cores(seconds),
    )


def busy_cores(seconds: float) -> float:
    """How many cores' worth of work the whole machine does while this thread sleeps."""
    before, start = _busy_seconds(), time.perf_counter()
    time.sleep(seconds)
    return (_busy_seconds() - before) / (time.perf_counter() - start)


def interleave(
    sides: Mapping[str, Callable[[], object]], repeats: int = REPEATS
) -> dict[str, Timing]:
    """Time every side `repeats` times, one run each in turn, after one run that does not count.

    Every other round goes backwards, so that no side always follows the same one.
    """
    if repeats < 1:
        raise InvalidParameter(f"a measurement takes at least one repeat, not {repeats}")
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    order = list(sides)
    for run in sides.values():
        run()
    for _ in range(repeats):
        for name in order:
            start = time.perf_counter()
            sides[name]()
            seconds[name].append(time.perf_counter() - start)
        order.reverse()
    return {name: Timing(tuple(runs)) for name, runs in seconds.items()}


def _busy_seconds() -> float:
    """Processor time that the machine has spent on work since it started, over all cores."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(
        int, _STAT.read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _processor_facts() -> list[tuple[str, str]]:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n", 1)[0]
    pairs = (line.partition(":") for line in text.splitlines())
    return [(key.strip(), value.strip()) for key, _, value in pairs]
