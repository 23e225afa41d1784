"""Is the process up, and is it able to work?"""

from anyio.to_thread import run_sync
from fastapi import APIRouter

from model.errors import NotReady
from service.auth import needs
from service.parts import PartsOf
from service.responses import public_problems
from service.schemas import Alive, Ready

router = APIRouter(tags=["health"])


@router.get(
    "/livez",
    summary="Is the process up?",
    responses=public_problems(),
    openapi_extra=needs(None),
)
async def livez() -> Alive:
    return Alive()


@router.get(
    "/readyz",
    summary="Can it take work?",
    responses=public_problems(503),
    openapi_extra=needs(None),
)
async def readyz(parts: PartsOf) -> Ready:
    # In the door's threads: slow searches must not make the service look dead.
    reason = await run_sync(parts.not_ready, limiter=parts.door_threads)
    if reason is not None:
        raise NotReady(reason)
    manifest = parts.embedder.manifest
    return Ready(
        model_id=manifest.model_id,
        provider=parts.embedder.provider,
        precision=manifest.precision,
        index=parts.index_device,
    )
