"""Wiring only: settings in, an ASGI application out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

from fastapi import FastAPI

from service import problems
from service.guards import Guard, Observer
from service.openapi import complete_openapi
from service.parts import Parts, open_parts
from service.query_string import QueryStrings
from service.release import release
from service.routes import (
    audit,
    cameras,
    health,
    identities,
    metrics,
    openapi,
    page,
    query,
    status,
    tracklets,
)
from service.settings import Settings
from service.upkeep import keep_up

ROUTERS = (query, tracklets, identities, cameras, status, audit, health, metrics, openapi, page)


def create_app(settings: Settings, parts: Parts | None = None) -> FastAPI:
    """The service. `parts` that are open already stay open; otherwise they live with the app."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opened: AbstractContextManager[Parts] = (
            open_parts(settings) if parts is None else nullcontext(parts)
        )
        with opened as app.state.parts:
            upkeep = asyncio.create_task(keep_up(app.state.parts))
            try:
                yield
            finally:
                upkeep.cancel()
                await asyncio.gather(upkeep, return_exceptions=True)

    # `/docs` would load scripts from other hosts; the document itself is a route with a role.
    app = FastAPI(
        title="Sightline",
        version=release(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    for module in ROUTERS:
        # Flat, not nested: the guard and the tests walk `app.routes`.
        app.router.routes.extend(module.router.routes)
    app.state.query_strings = QueryStrings(app)
    problems.install(app)
    app.add_middleware(Guard)
    app.add_middleware(Observer)
    app.openapi = lambda: complete_openapi(app)  # type: ignore[method-assign]
    return app
