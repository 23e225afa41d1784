"""JSON from strangers, refused where Python's own parser is too kind.

`json.loads` takes NaN, turns 1e400 into infinity and lets lone surrogates through; each of them
becomes a failure later, when the answer is written.
"""

import json
import math
from typing import Any, Final, NoReturn, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from model.errors import BodyTooLarge, InvalidParameter, MalformedBody, UnsupportedMediaType
from service.problems import describe_invalid

MAX_JSON_BYTES: Final = 64 * 2**10
MAX_DEPTH: Final = 32
"""Serialisers give up on values that are nested deeply enough to pass the parser."""

M = TypeVar("M", bound=BaseModel)


def parse_json(data: bytes | str) -> Any:
    """A JSON value. Raises `ValueError` for anything that could not be written back as JSON."""
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    _check_depth(value, MAX_DEPTH)
    json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


async def read_json(request: Request, shape: type[M]) -> M:
    """A request's JSON body as `shape`, types taken strictly.

    Raises `UnsupportedMediaType`, `BodyTooLarge`, `MalformedBody`, `InvalidParameter`.
    """
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != "application/json":
        raise UnsupportedMediaType("this takes application/json")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_JSON_BYTES:
            raise BodyTooLarge(f"a JSON body may have {MAX_JSON_BYTES} bytes")
    try:
        value = parse_json(bytes(data))
    except ValueError as error:
        raise MalformedBody("the body is not JSON (NaN and infinities are none)") from error
    return validated(shape, value)


def validated(shape: type[M], value: Any) -> M:
    """`value` as `shape`. Raises `InvalidParameter`, which never repeats the value."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        raise InvalidParameter(describe_invalid(error)) from error


def json_body(shape: type[BaseModel]) -> dict[str, Any]:
    """OpenAPI's description of a body that a route reads with `read_json`."""
    content = {"application/json": {"schema": shape.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


def _check_depth(value: Any, left: int) -> None:
    if isinstance(value, dict | list):
        if not left:
            raise ValueError("nested too deeply")
        for item in value.values() if isinstance(value, dict) else value:
            _check_depth(item, left - 1)


def _refuse(_: str) -> NoReturn:
    raise ValueError("not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number
