"""Every answer that a test sees, held against the OpenAPI document."""

from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import FastAPI

from service.app import create_app
from service.routing import find_route
from service.settings import Settings


@cache
def operations() -> Any:
    """The paths of the document, which is the same for every application."""
    return create_app(Settings()).openapi()["paths"]


def check_described(app: FastAPI) -> Callable[[Any], None]:
    """A hook for a client: fails where an operation answers with what it does not declare."""

    def check(response: Any) -> None:
        request = response.request
        method = "GET" if request.method == "HEAD" else request.method
        scope = {"type": "http", "path": request.url.path, "method": method}
        route = find_route(app.routes, scope)
        if route is None:
            return
        declared = operations()[route.path_format][method.lower()]["responses"]
        status = str(response.status_code)
        assert status in declared, f"{method} {route.path} does not declare {status}"
        kind = response.headers.get("content-type", "").partition(";")[0]
        content = declared[status].get("content")
        assert content is None or kind in content, f"{method} {route.path}: {status} is {kind}"

    return check
