import threading
from collections.abc import Iterator

import pytest

from indexer.archive.flow import ahead, side_by_side


def test_results_come_in_order_whatever_ends_first() -> None:
    gates = [threading.Event() for _ in range(3)]

    def work(number: int) -> int:
        if number < 2:  # each waits for the one after it
            gates[number + 1].wait()
        gates[number].set()
        return number

    assert list(side_by_side(work, range(3), workers=3, most=3)) == [0, 1, 2]


def test_no_more_than_asked_for_is_taken_ahead() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = side_by_side(str, items(), workers=2, most=4)
    next(results)
    results.close()

    assert taken == [0, 1, 2, 3]


def test_what_fails_is_raised_in_its_place() -> None:
    results = side_by_side(lambda n: 1 / n, [1, 0, 2], workers=2, most=3)

    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_ahead_gives_the_same_items() -> None:
    assert list(ahead(iter(range(10)), most=3)) == list(range(10))
    assert list(ahead(iter([]), most=3)) == []


def test_ahead_passes_a_failure_on() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    results = ahead(items(), most=3)

    assert next(results) == 1
    with pytest.raises(OSError, match="gone"):
        next(results)


def test_closing_ahead_ends_its_thread() -> None:
    def items() -> Iterator[int]:
        yield from range(1000)

    results = ahead(items(), most=3)
    next(results)
    results.close()

    assert not [t for t in threading.enumerate() if t.name.startswith("ahead")]
