"""Timing that can be believed: sides take turns, and a busy machine is noticed."""

import threading

import pytest

from model.benchmark import Machine, Timing, busy_cores, describe_machine, interleave
from model.errors import InvalidParameter


def test_sides_take_turns_and_neither_always_comes_first() -> None:
    calls: list[str] = []

    timings = interleave({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3)

    warm_up, rounds = calls[:2], calls[2:]
    assert warm_up == ["a", "b"]
    assert rounds == ["a", "b", "b", "a", "a", "b"]
    assert [len(timing.seconds) for timing in timings.values()] == [3, 3]


def test_a_side_is_timed_by_its_median() -> None:
    assert Timing((0.1, 9.0, 0.2)).median == 0.2


def test_no_repeats_are_no_measurement() -> None:
    with pytest.raises(InvalidParameter):
        interleave({}, 0)


def test_work_of_others_is_noticed() -> None:
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            sum(range(1_000))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        busy = busy_cores(0.5)
    finally:
        done.set()
        worker.join()

    assert busy > 0.3


@pytest.mark.parametrize(("busy", "idle"), [(0.0, True), (0.4, True), (0.41, False), (4.0, False)])
def test_a_tenth_of_the_cores_may_be_busy(busy: float, idle: bool) -> None:
    assert Machine("cpu", 4, (), load=9, busy_cores=busy).is_idle is idle


def test_this_machine_can_be_described() -> None:
    machine = describe_machine(seconds=0.05)

    assert machine.cores >= 1
    assert machine.processor
    assert machine.busy_cores >= 0
