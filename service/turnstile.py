"""Connections that come while there is no room, a handful at a time.

What is refused costs the core that embeds: far less where several are refused at one go than where
each is by itself, between two pieces of the model's own work. So while the queue is full, a new
connection is not read until the next of a few moments a second.
"""

import asyncio
from collections.abc import Callable
from typing import Final

PAUSE_SECONDS: Final = 0.1


class Turnstile:
    """Holds transports up together, for at most `pause` seconds each."""

    def __init__(self, is_full: Callable[[], bool], pause: float = PAUSE_SECONDS) -> None:
        self._is_full, self._pause = is_full, pause
        self._held: list[asyncio.Transport] = []

    def pass_through(self, transport: asyncio.Transport) -> None:
        """Read on at once where there is room, else together with others."""
        if not self._is_full():
            return
        loop = asyncio.get_running_loop()
        # Not at once: until Python 3.12 asyncio begins to read a new connection all the same.
        loop.call_soon(transport.pause_reading)
        if not self._held:
            loop.call_later(self._pause, self._let_go)
        self._held.append(transport)

    def _let_go(self) -> None:
        held, self._held = self._held, []
        for transport in held:
            transport.resume_reading()
