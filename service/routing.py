"""Which route a request means, and which methods a path has.

Two things are set right before a route is looked for. `HEAD` means `GET` without the body, which
the server leaves out by itself. And an encoded slash belongs to the name that it stands in: decoded
too early it would part the name in two, so that a forbidden name became an unknown path. It is
turned into a backslash, which no name may hold either.
"""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from model.errors import MalformedBody

_ENCODED_SLASH: Final = re.compile(rb"%2f", re.IGNORECASE)


def prepared(scope: Scope) -> Scope:
    """The scope that routes are matched with. Raises `MalformedBody` for two `Host` headers."""
    if sum(name == b"host" for name, _ in scope["headers"]) > 1:
        raise MalformedBody("the request names two hosts")
    changed: dict[str, str] = {}
    if scope["method"] == "HEAD":
        changed["method"] = "GET"
    raw: bytes = scope.get("raw_path") or b""
    if _ENCODED_SLASH.search(raw):
        changed["path"] = unquote(_ENCODED_SLASH.sub(b"%5C", raw).decode("latin-1"))
    return {**scope, **changed} if changed else scope


def find_route(routes: Sequence[BaseRoute], scope: Scope) -> APIRoute | None:
    """The route that will answer, or None where the answer is 404 or 405."""
    for route in routes:
        if isinstance(route, APIRoute) and route.matches(scope)[0] is Match.FULL:
            return route
    return None


def allowed_methods(routes: Sequence[BaseRoute], scope: Scope) -> str:
    """What `Allow` says of a path that is there, but not for this method."""
    methods: set[str] = set()
    for route in routes:
        if isinstance(route, APIRoute) and route.matches(scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
