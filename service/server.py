"""The process around the application: connections with deadlines, TLS, and an orderly end.

Connections are those of `service.protocol`. `DrainingServer` turns readiness off first and then
lets requests in flight finish.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE

from model.errors import NotReady
from service.parts import Parts
from service.protocol import DeadlineProtocol

_ENDED_AT_ONCE: Final = b'{"event": "ended_at_once", "level": "warning"}\n'

log = structlog.get_logger("sightline.server")


class DrainingServer(uvicorn.Server):
    """Ends in order: not ready, then no new connections, then the last answers."""

    def __init__(self, config: uvicorn.Config, parts: Parts) -> None:
        super().__init__(config)
        self._parts = parts

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does, but a TLS handshake has the deadline of the headers.

        uvicorn cannot be told one, and asyncio waits a minute.
        """
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise SystemExit(STARTUP_FAILURE)
        config, loop = self.config, asyncio.get_running_loop()
        deadline = self._parts.settings.header_seconds if config.ssl else None

        def connect() -> asyncio.Protocol:
            return config.http_protocol_class(  # type: ignore[call-arg]
                config=config, server_state=self.server_state, app_state=self.lifespan.state
            )

        self.servers = [
            await loop.create_server(
                connect,
                sock=listener,
                ssl=config.ssl,
                backlog=config.backlog,
                ssl_handshake_timeout=deadline,
                ssl_shutdown_timeout=deadline,
            )
            for listener in sockets or ()
        ]
        self.started = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal ends the service in order; Ctrl-C once more ends it at once.

        Not uvicorn's own: that raises the signal again when all is done, and leaves a traceback of
        every request that it gives up.
        """
        if self.should_exit and sig == signal.SIGINT:
            # Whatever is acknowledged is on the disk, whatever is not is whole or absent: there is
            # nothing to be tidied up that `kill -9` would not leave behind as well.
            os.write(2, _ENDED_AT_ONCE)
            os._exit(1)
        self._parts.draining = self.should_exit = True

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


def serve(app: FastAPI, parts: Parts, listener: socket.socket) -> int:
    """Serve until a signal comes. Returns the exit code: 1 where the device was lost.

    `listener` comes from `bind`. Raises `NotReady` where it cannot be listened on after all.
    """
    settings = parts.settings
    server = DrainingServer(server_config(app, parts), parts)
    # Before uvicorn listens to signals, one must end it too.
    signal.signal(signal.SIGTERM, server.handle_exit)
    signal.signal(signal.SIGINT, server.handle_exit)
    with _address_told(settings.host, settings.port):
        listener.listen()
    scheme = "https" if settings.tls_cert else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    log.info("listening", url=f"{scheme}://{host}:{listener.getsockname()[1]}")
    if not parts.door.keyed:
        log.warning("no_keys", detail="without keys every caller on this machine is admin")
    server.run(sockets=[listener])
    return 1 if parts.device_lost else 0


@contextmanager
def bind(host: str, port: int) -> Iterator[socket.socket]:
    """A socket of this address, which nobody can connect to yet.

    It comes before all that takes long or leaves something behind. Raises `NotReady` with the
    reason where there can be none.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        with _address_told(host, port):
            listener.bind((host, port))
        yield listener


@contextmanager
def _address_told(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotReady(f"cannot listen on {host} port {port}: {error.strerror}") from error


def server_config(app: FastAPI, parts: Parts) -> uvicorn.Config:
    """uvicorn's configuration from the service's settings."""
    settings = parts.settings

    class Protocol(DeadlineProtocol):
        header_seconds = settings.header_seconds
        on_reject = staticmethod(parts.metrics.reject)

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
