"""The process around the application: connections with deadlines, TLS, and an orderly end.

uvicorn hands a request to the application when its headers are complete and has no deadline for
that, so a client that drips its headers would hold a connection for ever. `DeadlineProtocol` adds
one. `DrainingServer` turns readiness off first and then lets requests in flight finish.
"""

import asyncio
import signal
import socket
from types import FrameType
from typing import Any, ClassVar, Final

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from model.errors import NotReady
from service.parts import Parts
from service.problems import problem
from service.settings import Settings

MAX_HEADER_BYTES: Final = 64 * 2**10

log = structlog.get_logger("sightline.server")


class DeadlineProtocol(HttpToolsProtocol):
    """Closes a connection whose request headers do not become complete in time or size."""

    header_seconds: ClassVar[float] = 10.0

    _deadline: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._deadline is not None:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                self._refuse(431, "malformed_body", "the request's headers are too long")

    def on_headers_complete(self) -> None:
        self._stop_deadline()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() and self.cycle.response_complete:
            self._await_headers()

    def _await_headers(self) -> None:
        self._stop_deadline()
        self._header_bytes = 0
        self._deadline = self.loop.call_later(self.header_seconds, self._too_late)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        if self._header_bytes:
            self._refuse(408, "request_timeout", "the request's headers took too long")
        else:
            # Nobody has asked for anything: an answer would be taken for that of the next request.
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """As uvicorn does, for what is not HTTP, but with a problem document."""
        self._refuse(400, "malformed_body", "this is not a valid HTTP request")

    def _refuse(self, status: int, code: str, detail: str) -> None:
        self._stop_deadline()
        if self.transport.is_closing():
            return
        response = problem(status, code, detail, headers={"connection": "close"})
        lines = [STATUS_LINE[status], *(b"%s: %s\r\n" % pair for pair in response.raw_headers)]
        self.transport.write(b"".join([*lines, b"\r\n", response.body]))
        self.transport.close()


class DrainingServer(uvicorn.Server):
    """Ends in order: not ready, then no new connections, then the last answers."""

    def __init__(self, config: uvicorn.Config, parts: Parts) -> None:
        super().__init__(config)
        self._parts = parts

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._parts.draining = True
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        if self._parts.device_lost and not self.should_exit:
            log.error("stopping", reason=self._parts.device_lost)
            self._parts.draining = self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[Any] | None = None) -> None:
        log.info("draining", in_flight=len(self.server_state.tasks))
        # Long enough for a load balancer's next look at `/readyz`.
        await asyncio.sleep(self._parts.settings.drain_notice_seconds)
        await super().shutdown(sockets)


def serve(app: FastAPI, parts: Parts) -> int:
    """Serve until a signal comes. Returns the exit code: 1 where the device was lost.

    Raises `NotReady` where the address cannot be listened on.
    """
    settings = parts.settings
    server = DrainingServer(server_config(app, settings), parts)
    # Before uvicorn listens to signals, one must end it too; when it is done it raises the signal
    # once more, and the end was orderly: the same handler serves both.
    signal.signal(signal.SIGTERM, server.handle_exit)
    signal.signal(signal.SIGINT, server.handle_exit)
    with listen(settings.host, settings.port) as listener:
        scheme = "https" if settings.tls_cert else "http"
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        log.info("listening", url=f"{scheme}://{host}:{listener.getsockname()[1]}")
        if not parts.door.keyed:
            log.warning("no_keys", detail="without keys every caller on this machine is admin")
        server.run(sockets=[listener])
    return 1 if parts.device_lost else 0


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `NotReady` with the reason where there can be none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise NotReady(f"cannot listen on {host} port {port}: {error.strerror}") from error


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """uvicorn's configuration from the service's settings."""

    class Protocol(DeadlineProtocol):
        header_seconds = settings.header_seconds

    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_keep_alive=max(1, round(settings.header_seconds)),
        timeout_graceful_shutdown=round(
            max(0.0, settings.drain_seconds - settings.drain_notice_seconds)
        ),
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
