"""The query string of a request, against what its operation declares.

FastAPI reads the parameters that a route asks for and looks at no others, and of one that is
repeated it takes the last. A misspelt or misplaced filter (`POST /query?exclude_cameras=c1`) would
pass for none: the answer would hold what the caller meant to leave out.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.types import Scope

from model.errors import InvalidParameter

Declared = Mapping[str, bool]
"""Parameters by name, and whether each may come several times."""


class QueryStrings:
    """What every operation of one application declares, as its OpenAPI document says."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._known: dict[tuple[str, str], Declared] | None = None

    def check(self, scope: Scope, route: APIRoute) -> None:
        """Raises `InvalidParameter` for a name that is not declared, or not as often."""
        text: bytes = scope["query_string"]
        if not text:
            return
        declared = self._declared().get((route.path_format, scope["method"].lower()), {})
        seen: set[str] = set()
        for name, _ in parse_qsl(text.decode("latin-1"), keep_blank_values=True):
            if name not in declared:
                raise InvalidParameter("the query string has a parameter that is not known here")
            if name in seen and not declared[name]:
                raise InvalidParameter(f"{name} may stand in the query string once")
            seen.add(name)

    def _declared(self) -> Mapping[tuple[str, str], Declared]:
        if self._known is None:
            paths: dict[str, Any] = self._app.openapi()["paths"]
            self._known = {
                (path, method): _parameters(operation)
                for path, item in paths.items()
                for method, operation in item.items()
            }
        return self._known


def _parameters(operation: Mapping[str, Any]) -> Declared:
    return {
        one["name"]: one["schema"].get("type") == "array"
        for one in operation.get("parameters", ())
        if one["in"] == "query"
    }
