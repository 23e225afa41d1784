"""Which problems a route may answer with, for OpenAPI."""

from typing import Any, Final

from service.problems import MEDIA_TYPE
from service.schemas import Problem

_CODES: Final = {
    400: "`malformed_body`",
    401: "`key_missing`, `key_invalid`",
    403: "`role_too_low`, `host_not_allowed`",
    404: "`not_found`",
    405: "`method_not_allowed`, to any other method",
    408: "`request_timeout`",
    409: "`tracklet_exists`, `model_mismatch`",
    413: "`body_too_large`",
    415: "`unsupported_media_type`",
    422: "`invalid_parameter`",
    429: "`rate_limited`",
    431: "`malformed_body`: the headers are too long",
    500: "`gallery_corrupt`, `internal`",
    503: "`not_ready`, `draining`, `storage_failed`",
    507: "`storage_full`",
}

_UPLOAD: Final = {
    413: "`body_too_large`, `too_many_parts`",
    422: "`frames_or_clip`, `undecodable_frame`, `undecodable_clip`, `image_too_large`, "
    "`clip_too_large`, `too_many_frames`, `invalid_parameter`",
    429: "`queue_full`, `rate_limited`",
    500: "`model_output_invalid`, `gallery_corrupt`, `internal`",
}

PUBLIC: Final = (400, 403, 405, 408, 413, 422, 431, 500)
"""What every route may answer: a request can be wrong before anybody looks where it goes."""

EVERY: Final = (*PUBLIC, 401, 429, 503)
"""What every route with a role may answer."""

_RETRY: Final = {
    "Retry-After": {
        "description": "Seconds after which trying again makes sense.",
        "schema": {"type": "integer", "minimum": 1},
    }
}
_CHALLENGE: Final = {"WWW-Authenticate": {"schema": {"type": "string", "const": "Bearer"}}}
_ALLOW: Final = {
    "Allow": {"description": "The methods of this path.", "schema": {"type": "string"}}
}
_HEADERS: Final = {401: _CHALLENGE, 405: _ALLOW, 429: _RETRY, 503: _RETRY}

Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """OpenAPI `responses` of a route with a role."""
    return {status: _problem(status, _CODES[status]) for status in sorted({*EVERY, *statuses})}


def public_problems(*statuses: int) -> Responses:
    """The same for a route that anybody may call; `host_not_allowed` holds without keys."""
    found: Responses = {
        status: _problem(status, _CODES[status]) for status in sorted({*PUBLIC, *statuses})
    }
    return found | {403: _problem(403, "`host_not_allowed`")}


def upload_problems(*statuses: int) -> Responses:
    """The same for a route that takes a tracklet upload."""
    found = problems(400, 408, 413, 415, 507, *statuses)
    return found | {status: _problem(status, codes) for status, codes in _UPLOAD.items()}


def query_problems() -> Responses:
    """The same for a search."""
    found = upload_problems(404, 409)
    codes = f"{_UPLOAD[422]}, `rerank_unavailable`"
    return found | {409: _problem(409, "`model_mismatch`"), 422: _problem(422, codes)}


def erase_problems() -> Responses:
    """The same for an erasure."""
    codes = "`erase_pending` (repeat the call), `not_ready`, `draining`, `storage_failed`"
    return problems(404, 422, 507) | {503: _problem(503, codes)}


def _problem(status: int, codes: str) -> dict[str, Any]:
    example = Problem(
        type="urn:sightline:" + codes.split("`")[1],
        title="What kind of failure",
        status=status,
        detail="What is wrong, in words.",
        code=codes.split("`")[1],
    )
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {"schema": schema, "example": example.model_dump(exclude_none=True)}
    described = {"description": codes, "content": {MEDIA_TYPE: content}}
    return described | ({"headers": _HEADERS[status]} if status in _HEADERS else {})
