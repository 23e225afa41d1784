"""OpenAPI, completed: the key scheme, the problem schema, and what the guard may answer."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.auth import SECURITY_SCHEME
from service.schemas import Problem

DESCRIPTION = """\
Video person re-identification: tracklets in, ranked identities out.

Uploads are `multipart/form-data`; answers are JSON; failures are `application/problem+json`
(RFC 9457) with a stable `code`. Keys go into `Authorization: Bearer <key>`; the roles are
`query` < `enrol` < `admin`, and each operation names its lowest one in `x-sightline-role`.
Times are RFC 3339 with a zone.
"""


def complete_openapi(app: FastAPI) -> dict[str, Any]:
    """The document of `app`, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes
        )
        components = document.setdefault("components", {})
        components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        components["securitySchemes"] = {SECURITY_SCHEME: {"type": "http", "scheme": "bearer"}}
        app.openapi_schema = document
    return app.openapi_schema
