"""What stands ahead of parsing, as plain ASGI: who may call, how much, and how slowly.

Observer    outermost: request id, access log, metrics, and a problem for the unforeseen
Guard       draining, key, role, rate, query string, declared size, room in the queue; then the
            body, see `service.body`
"""

import re
import secrets
import time
from dataclasses import dataclass
from typing import Final

import structlog
from anyio.to_thread import run_sync
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from model.errors import Draining, KeyInvalid, SightlineError
from service.auth import Caller, is_public, is_queued
from service.body import Body, BodyLimits
from service.parts import Parts
from service.problems import internal_problem, refusal
from service.routing import find_route, prepared

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = structlog.get_logger("sightline.http")


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
            BodyLimits(settings.max_body_bytes, settings.body_idle_seconds, settings.body_rate),
            memory=parts.upload_memory,
            on_bytes=parts.metrics.body,
        )
        answer = body.answering(send)
        try:
            scope = prepared(scope)
            await self._admit(scope, parts, body)
        except SightlineError as error:
            if isinstance(error, KeyInvalid):
                await parts.penalties.wait(_address(scope))
            await refusal(scope, error)(scope, receive, answer)
        else:
            await self._app(scope, body.receive, answer)
        finally:
            body.release()

    async def _admit(self, scope: Scope, parts: Parts, body: Body) -> None:
        route = find_route(scope["app"].routes, scope)
        if route is None:
            body.check_declared()
            return
        scope["state"]["route"] = route.path
        call = _Call(scope, parts, body, route)
        # Whoever was let in a moment ago is sent away without another look at the keys: under a
        # load beyond capacity that look, in a thread of its own, would be most of the work.
        if call.waits and parts.batcher.is_full:
            caller = parts.door.recognise(scope, route)
            if caller is not None:
                call.check(caller)
        # Its own threads: checking a key must not wait for a slow search or erasure.
        limiter = parts.door_threads
        if is_public(route):
            await run_sync(parts.door.admit_public, scope, limiter=limiter)
            call.check(None)
        else:
            call.check(await run_sync(parts.door.admit, scope, route, limiter=limiter))


@dataclass(frozen=True)
class _Call:
    """One request to one route, ahead of its body."""

    scope: Scope
    parts: Parts
    body: Body
    route: APIRoute

    @property
    def waits(self) -> bool:
        """Whether there may be something in it that has to wait for the model."""
        return is_queued(self.route) and self.body.may_hold_pictures

    def check(self, caller: Caller | None) -> None:
        """Raises what refuses this call of somebody who may call."""
        if caller is not None:
            self.scope["state"]["caller"] = caller
            if self.parts.draining:
                raise Draining("the service is shutting down")
        self.scope["app"].state.query_strings.check(self.scope, self.route)
        self.body.check_declared()
        if caller is not None and self.waits:
            self.parts.batcher.check_room()


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
                    await internal_problem(scope)(scope, receive, seen.send)
            finally:
                self._report(scope, seen.status or 499, time.perf_counter() - started)

    def _report(self, scope: Scope, status: int, seconds: float) -> None:
        # The template, never the path itself: names of people stand in paths.
        state = scope["state"]
        route, caller, code = (state.get(name) for name in ("route", "caller", "code"))
        parts: Parts = scope["app"].state.parts
        parts.metrics.request(scope["method"], route or "unmatched", status, seconds)
        if code is not None:
            parts.metrics.reject(code)
        log.info(
            "request",
            method=scope["method"],
            route=route or "unmatched",
            status=status,
            code=code,
            milliseconds=round(1000 * seconds, 1),
            caller=caller.name if caller is not None else None,
            client=_address(scope),
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


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "unknown"
