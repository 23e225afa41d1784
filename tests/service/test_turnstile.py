"""New connections while the queue is full: read together, a moment later."""

import asyncio
from typing import cast

from service.turnstile import Turnstile


class FakeTransport:
    """Notes when it is read."""

    def __init__(self) -> None:
        self.is_read = True

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True


def arrive(turnstile: Turnstile, count: int) -> list[FakeTransport]:
    transports = [FakeTransport() for _ in range(count)]
    for transport in transports:
        turnstile.pass_through(cast("asyncio.Transport", transport))
    return transports


def test_where_there_is_room_nobody_waits() -> None:
    assert all(one.is_read for one in arrive(Turnstile(lambda: False), 3))


def test_where_there_is_none_all_wait_for_one_moment() -> None:
    async def come_in_turn() -> None:
        turnstile = Turnstile(lambda: True, pause=0.01)
        for count in (2, 1):
            transports = arrive(turnstile, count)
            while all(one.is_read for one in transports):
                await asyncio.sleep(0)
            assert not any(one.is_read for one in transports)
            while not transports[0].is_read:
                await asyncio.sleep(0)
            assert all(one.is_read for one in transports)

    asyncio.run(asyncio.wait_for(come_in_turn(), 10))
