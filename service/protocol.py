"""HTTP connections with deadlines and limits, and nothing in them that may be read two ways.

uvicorn hands a request to the application when its headers are complete and has no deadline for
that, so a client that drips its headers would hold a connection for ever. Nor has it a limit on
their size, and it reads a target such as `http://elsewhere/status` as if it were `/status`.
"""

import asyncio
from typing import ClassVar, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from service.problems import problem

MAX_HEADER_BYTES: Final = 64 * 2**10


class _RefusedError(Exception):
    """Stops the parser; the answer has been sent."""


class DeadlineProtocol(HttpToolsProtocol):
    """Closes a connection whose request headers do not become complete in time or size."""

    header_seconds: ClassVar[float] = 10.0
    on_reject: ClassVar["staticmethod[[str], None]"] = staticmethod(lambda _code: None)
    """Is told the code of every refusal that no route hears of."""

    _deadline: asyncio.TimerHandle | None = None
    _between_bodies = True
    """Whether what arrives belongs to a request's head."""
    _received = 0
    """Bytes of the present head as they came, for one that is never complete."""
    _parsed = 0
    """Bytes of its target and its headers, for one that comes with others in one piece."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._between_bodies:
            self._received += len(data)
        super().data_received(data)
        if self._between_bodies and self._received > MAX_HEADER_BYTES:
            self._refuse_size()

    def on_message_begin(self) -> None:
        self._parsed = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._measure(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._measure(len(name) + len(value) + len(b": \r\n"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._stop_deadline()
        if not self.url.startswith(b"/"):
            self._refuse(400, "malformed_body", "the request's target must be a path")
            raise _RefusedError
        self._between_bodies = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._between_bodies = True
        self._received = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() and self.cycle.response_complete:
            self._await_headers()

    def _measure(self, count: int) -> None:
        self._parsed += count
        if self._parsed > MAX_HEADER_BYTES:
            self._refuse_size()
            raise _RefusedError

    def _await_headers(self) -> None:
        self._stop_deadline()
        self._deadline = self.loop.call_later(self.header_seconds, self._too_late)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        if self._received:
            self._refuse(408, "request_timeout", "the request's headers took too long")
        else:
            # Nobody has asked for anything: an answer would be taken for that of the next request.
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """As uvicorn does, for what is not HTTP, but with a problem document."""
        self._refuse(400, "malformed_body", "this is not a valid HTTP request")

    def _refuse_size(self) -> None:
        self._refuse(431, "malformed_body", "the request's headers are too long")

    def _refuse(self, status: int, code: str, detail: str) -> None:
        self._stop_deadline()
        if self.transport.is_closing():
            return
        self.on_reject(code)
        if self._may_answer():
            response = problem(status, code, detail, headers={"connection": "close"})
            lines = [STATUS_LINE[status], *(b"%s: %s\r\n" % pair for pair in response.raw_headers)]
            self.transport.write(b"".join([*lines, b"\r\n", response.body]))
        self.transport.close()

    def _may_answer(self) -> bool:
        """Whether an answer now would be taken for that of the request which is refused."""
        if self.cycle is None or self.cycle.response_complete:
            return True
        # In the midst of a body its own request is refused. Behind it, the answer to an earlier
        # request is still to come: whoever sends nonsense behind a good request loses both.
        return not (self._between_bodies or self.pipeline or self.cycle.response_started)
