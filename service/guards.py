"""What stands ahead of parsing, as plain ASGI: who may call, how much, and how slowly.

    Observer    outermost: request id, access log, metrics, and a problem for the unforeseen
    Guard       draining, key, role, rate, declared size; then counts and times the body

A refused body is answered first and dropped afterwards: a client that is still sending would
otherwise see a reset connection instead of the answer. What arrives is thrown away unbuffered, at
most `DROP_BYTES` or for `DROP_SECONDS`, and then the connection is closed.
"""

import asyncio
import re
import secrets
import time
from typing import Final

import structlog
from anyio.to_thread import run_sync
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from model.errors import BodyTimeout, BodyTooLarge, Draining, SightlineError
from service.auth import find_route, is_public
from service.budget import Budget
from service.parts import Parts
from service.problems import internal_problem, problem_of

DROP_BYTES: Final = 2**20
DROP_SECONDS: Final = 2.0

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = structlog.get_logger("sightline.http")


class Body:
    """One request's body on its way in: counted, timed, and dropped where nobody wants it."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        *,
        limit: int,
        idle_seconds: float,
        memory: Budget,
    ) -> None:
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "")
        self.declared = int(declared) if declared.isdecimal() else None
        self.expects_continue = headers.get("expect", "").lower() == "100-continue"
        self.complete = self.declared in (None, 0) and "transfer-encoding" not in headers
        self.read = 0
        self._receive, self._limit, self._idle = receive, limit, idle_seconds
        self._memory, self._held = memory, 0

    def check_declared(self) -> None:
        """Refuse a body by its declared size, before a byte of it is read."""
        if self.declared is not None and self.declared > self._limit:
            raise BodyTooLarge(f"a request body may have {self._limit} bytes")

    async def receive(self) -> Message:
        """The next message. Raises `BodyTooLarge`, and `BodyTimeout` where nothing comes."""
        if self.complete:
            return await self._receive()
        try:
            async with asyncio.timeout(self._idle):
                message = await self._receive()
        except TimeoutError as error:
            raise BodyTimeout(f"no part of the body came for {self._idle:g} s") from error
        self._count(message)
        if self.read > self._limit:
            raise BodyTooLarge(f"a request body may have {self._limit} bytes")
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

    def _count(self, message: Message) -> None:
        self.read += len(message.get("body", b""))
        self.complete = message["type"] != "http.request" or not message.get("more_body", False)


class Guard:
    """Lets a request through to the routes, or answers it itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parts: Parts = scope["app"].state.parts
        settings = parts.settings
        body = Body(
            scope,
            receive,
            limit=settings.max_body_bytes,
            idle_seconds=settings.body_idle_seconds,
            memory=parts.upload_memory,
        )
        answer = _answering(body, send)
        try:
            await self._admit(scope, parts, body)
        except SightlineError as error:
            await problem_of(error)(scope, receive, answer)
        else:
            await self._app(scope, body.receive, answer)
        finally:
            body.release()

    async def _admit(self, scope: Scope, parts: Parts, body: Body) -> None:
        route = find_route(scope["app"].routes, scope)
        if route is None:
            return
        scope["state"]["route"] = route.path
        if is_public(route):
            parts.door.admit_public(scope)
        else:
            # Its own threads: checking a key must not wait for a slow search or erasure.
            admit, limiter = parts.door.admit, parts.door_threads
            scope["state"]["caller"] = await run_sync(admit, scope, route, limiter=limiter)
            if parts.draining:
                raise Draining("the service is shutting down")
        body.check_declared()


def _answering(body: Body, send: Send) -> Send:
    """A `send` that drops the rest of an unread body between the answer and its end."""
    dropping = False

    async def answer(message: Message) -> None:
        nonlocal dropping
        if message["type"] == "http.response.start" and not body.complete:
            dropping = True
            MutableHeaders(scope=message)["connection"] = "close"
        if not dropping or message["type"] != "http.response.body" or message.get("more_body"):
            await send(message)
            return
        await send({**message, "more_body": True})
        await body.drop()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return answer


class Observer:
    """Gives every request an id, a log line, its figures, and an answer whatever happens."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        started = time.perf_counter()
        request_id = _request_id(Headers(scope=scope))
        seen = _Seen(send, request_id)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, seen.send)
            except ClientDisconnect:
                seen.status = 499
            # The last line of defence: a bug becomes an answer and a traceback in the log.
            except Exception:
                log.exception("unforeseen")
                if seen.status is None:
                    await internal_problem()(scope, receive, seen.send)
            finally:
                self._report(scope, seen.status or 499, time.perf_counter() - started)

    def _report(self, scope: Scope, status: int, seconds: float) -> None:
        # The template, never the path itself: names of people stand in paths.
        route = scope["state"].get("route", "unmatched")
        caller = scope["state"].get("caller")
        parts: Parts = scope["app"].state.parts
        parts.metrics.request(scope["method"], route, status, seconds)
        log.info(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            milliseconds=round(1000 * seconds, 1),
            caller=caller.name if caller is not None else None,
            client=scope["client"][0] if scope.get("client") else None,
        )


class _Seen:
    """A `send` that remembers the status and adds the headers of every answer."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send, self._request_id = send, request_id
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self._request_id
            headers["x-content-type-options"] = "nosniff"
            headers.setdefault("cache-control", "no-store")
        await self._send(message)


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
