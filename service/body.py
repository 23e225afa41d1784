"""One request's body on its way in: counted, timed, and dropped where nobody wants it.

A refused body is answered first and dropped afterwards: a client that is still sending would
otherwise see a reset connection instead of the answer. What arrives is thrown away unbuffered, at
most `DROP_BYTES` or for `DROP_SECONDS`, and then the connection is closed.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from model.errors import BodyTimeout, BodyTooLarge
from service.budget import Budget

DROP_BYTES: Final = 670_000
"""With the last piece at most a megabyte: the server takes in up to 256 KiB at once, on top of up
to 64 KiB that wait for the application."""
DROP_SECONDS: Final = 2.0
TEXT_BYTES: Final = 4 * 2**10
"""A form without pictures, such as a search for an enrolled tracklet, is hardly longer."""


@dataclass(frozen=True)
class BodyLimits:
    """How large a body may be, and how slow."""

    most_bytes: int
    idle_seconds: float
    """How long it may pause."""
    rate: int
    """Bytes a second that it must bring on average, after one such pause; 0: any."""


class Body:
    """Stands between the server's `receive` and the application's."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        limits: BodyLimits,
        *,
        memory: Budget,
        on_bytes: Callable[[int], None] = lambda _count: None,
    ) -> None:
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "")
        # Twenty digits are too many bytes already; Python refuses to read a few thousand.
        self.declared = int(declared[:20]) if declared.isdecimal() else None
        self.expects_continue = headers.get("expect", "").lower() == "100-continue"
        self.complete = self.declared in (None, 0) and "transfer-encoding" not in headers
        self.read = 0
        self._receive, self._limits = receive, limits
        self._memory, self._held = memory, 0
        self._on_bytes = on_bytes
        self._began: float | None = None

    @property
    def may_hold_pictures(self) -> bool:
        """Whether it is too long for a few texts, as far as one can tell before it comes."""
        return self.declared is None or self.declared > TEXT_BYTES

    def check_declared(self) -> None:
        """Refuse a body by its declared size, before a byte of it is read."""
        if self.declared is not None and self.declared > self._limits.most_bytes:
            self._refuse_size()

    async def receive(self) -> Message:
        """The next message. Raises `BodyTooLarge`, and `BodyTimeout` where it comes too slowly."""
        if self.complete:
            return await self._receive()
        try:
            async with asyncio.timeout(self._patience()):
                message = await self._receive()
        except TimeoutError as error:
            raise BodyTimeout("the body came too slowly, or not at all") from error
        self._count(message)
        if self.read > self._limits.most_bytes:
            self._refuse_size()
        self._memory.take(len(message.get("body", b"")))
        self._held = self.read
        return message

    def release(self) -> None:
        """The request is over: its bytes are nobody's any more."""
        self._memory.give_back(self._held)

    async def drop(self) -> None:
        """Read on without keeping anything, within the limits of this module."""
        if self.complete or (self.expects_continue and not self.read):
            return
        stop_at = self.read + DROP_BYTES
        try:
            async with asyncio.timeout(DROP_SECONDS):
                while not self.complete and self.read < stop_at:
                    self._count(await self._receive())
        except TimeoutError:
            return

    def answering(self, send: Send) -> Send:
        """A `send` that drops the rest of an unread body between the answer and its end."""
        dropping = False

        async def answer(message: Message) -> None:
            nonlocal dropping
            if message["type"] == "http.response.start" and not self.complete:
                dropping = True
                MutableHeaders(scope=message)["connection"] = "close"
            if not dropping or message["type"] != "http.response.body" or message.get("more_body"):
                await send(message)
                return
            await send({**message, "more_body": True})
            await self.drop()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        return answer

    def _patience(self) -> float:
        """Seconds until the next message is too late."""
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        idle = self._limits.idle_seconds
        if not self._limits.rate:
            return idle
        return min(idle, self._began + idle + self.read / self._limits.rate - now)

    def _count(self, message: Message) -> None:
        count = len(message.get("body", b""))
        self.read += count
        self._on_bytes(count)
        self.complete = message["type"] != "http.request" or not message.get("more_body", False)

    def _refuse_size(self) -> None:
        raise BodyTooLarge(f"a request body may have {self._limits.most_bytes} bytes")
