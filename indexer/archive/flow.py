"""Iterators that work ahead of whoever reads them, by a bounded number of items."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

T = TypeVar("T")
S = TypeVar("S")

_END: Final = object()


def side_by_side(
    work: Callable[[S], T], items: Iterable[S], *, workers: int, most: int
) -> Generator[T, None, None]:
    """`work` of every item in order, done by several threads at most `most` items ahead.

    Closing the iterator drops what has not begun and waits for what has.
    """
    with ThreadPoolExecutor(workers, thread_name_prefix="prepare") as pool:
        waiting: deque[Future[T]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= most:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def ahead(items: Iterator[T], *, most: int) -> Generator[T, None, None]:
    """The same items, made by a thread of their own at most `most` ahead."""
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        following: deque[Future[Any]] = deque(
            pool.submit(next, items, _END) for _ in range(max(most, 1))
        )
        try:
            while (item := following.popleft().result()) is not _END:
                following.append(pool.submit(next, items, _END))
                yield item
        finally:
            pool.shutdown(cancel_futures=True)
