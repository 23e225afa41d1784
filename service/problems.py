"""Every failure as an RFC 9457 problem: the one place where errors become HTTP statuses.

A problem never repeats what the caller sent. Pydantic's own messages are safe to pass on, its
`input`, `ctx` and the names of unknown fields are not.
"""

import math
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.types import Scope

from model import errors
from model.errors import InputRefused, RequestRefused, SightlineError
from service.routing import allowed_methods

MEDIA_TYPE = "application/problem+json"

STATUS: Mapping[type[SightlineError], int] = {
    errors.InputRefused: 422,
    errors.ModelFailure: 500,
    errors.DeviceLost: 503,
    errors.DeviceUnavailable: 503,
    errors.NotFound: 404,
    errors.TrackletExists: 409,
    errors.TrackletErased: 409,
    errors.ModelMismatch: 409,
    errors.GalleryMissing: 503,
    errors.GalleryLocked: 503,
    errors.GalleryCorrupt: 500,
    errors.StorageFull: 507,
    errors.StorageFailed: 503,
    errors.ErasePending: 503,
    errors.MalformedBody: 400,
    errors.KeyMissing: 401,
    errors.KeyInvalid: 401,
    errors.RoleTooLow: 403,
    errors.HostNotAllowed: 403,
    errors.BodyTimeout: 408,
    errors.BodyTooLarge: 413,
    errors.TooManyParts: 413,
    errors.UnsupportedMediaType: 415,
    errors.QueueFull: 429,
    errors.RateLimited: 429,
    errors.NotReady: 503,
    errors.Draining: 503,
}
"""The status of a class holds for what derives from it, unless that has its own."""

_HTTP_CODES = {404: "not_found", 405: "method_not_allowed"}

_TITLES = {
    400: "Malformed request",
    401: "Key needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timed out",
    409: "Conflict",
    413: "Request too large",
    415: "Unsupported media type",
    422: "Input refused",
    429: "Too many requests",
    431: "Headers too large",
    500: "Internal failure",
    503: "Not available now",
    507: "Storage full",
}

log = structlog.get_logger("sightline.problems")


def status_of(error: SightlineError) -> int:
    """The HTTP status of an error: its own class's, else its nearest ancestor's, else 500."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    frame: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """One problem document as a response."""
    content: dict[str, Any] = {
        "type": f"urn:sightline:{code}",
        "title": _TITLES.get(status, "Request failed"),
        "status": status,
        "detail": detail,
        "code": code,
    }
    if frame is not None:
        content["frame"] = frame
    return JSONResponse(content, status, headers=headers, media_type=MEDIA_TYPE)


def refusal(scope: Scope, error: SightlineError) -> JSONResponse:
    """What a client sees of an error that Sightline raised on purpose.

    The code is left in the request's state, for its log line and the metrics.
    """
    scope["state"]["code"] = error.code
    status = status_of(error)
    if status == 500:
        log.error("request_failed", code=error.code, detail=error.detail)
    return problem(
        status,
        error.code,
        error.detail,
        frame=error.frame if isinstance(error, InputRefused) else None,
        headers=_headers(error, status),
    )


def internal_problem(scope: Scope) -> JSONResponse:
    """The answer to an exception that nobody foresaw; the log has the traceback."""
    scope["state"]["code"] = "internal"
    return problem(500, "internal", "The service failed; its log knows why, under X-Request-ID.")


def describe_invalid(failure: RequestValidationError | ValidationError) -> str:
    """The first validation failure in words, without a trace of the input."""
    first = failure.errors()[0]
    if first["type"] == "extra_forbidden":
        return "the body has a field that is not known here"
    place = ".".join(str(part) for part in first["loc"] if part not in {"body", "query", "path"})
    message = _safe_message(first)
    return f"{place}: {message}" if place else message


def _safe_message(first: Mapping[str, Any]) -> str:
    return "has no valid value" if first["type"] == "value_error" else str(first["msg"])


def _headers(error: SightlineError, status: int) -> dict[str, str]:
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RequestRefused) and error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    elif status == 503:
        headers["Retry-After"] = "1"
    return headers


def install(app: FastAPI) -> None:
    """Answer every kind of failure inside the routes with a problem document."""

    async def on_sightline(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, SightlineError)
        if isinstance(error, errors.DeviceLost):
            request.app.state.parts.lost_device = error.detail
        return refusal(request.scope, error)

    async def on_invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return refusal(request.scope, errors.InvalidParameter(describe_invalid(error)))

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        code = _HTTP_CODES.get(error.status_code, "malformed_body")
        request.scope["state"]["code"] = code
        detail = _TITLES.get(error.status_code, "Request failed")
        headers = dict(error.headers or {})
        if error.status_code == 405:
            # The router knows only the methods of the first route of a path.
            headers["Allow"] = allowed_methods(request.app.routes, request.scope)
        return problem(error.status_code, code, detail, headers=headers)

    app.add_exception_handler(SightlineError, on_sightline)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
