"""Is the process up, and is it able to work?"""

from fastapi import APIRouter

from model.errors import NotReady
from service.auth import needs
from service.parts import PartsOf
from service.responses import problems
from service.schemas import Alive, Ready

router = APIRouter(tags=["health"])


@router.get("/livez", summary="Is the process up?", openapi_extra=needs(None))
async def livez() -> Alive:
    return Alive()


@router.get(
    "/readyz",
    summary="Can it take work?",
    responses={503: problems()[503]},
    openapi_extra=needs(None),
)
async def readyz(parts: PartsOf) -> Ready:
    if (reason := parts.not_ready()) is not None:
        raise NotReady(reason)
    manifest = parts.embedder.manifest
    return Ready(
        model_id=manifest.model_id,
        provider=parts.embedder.provider,
        precision=manifest.precision,
        index=parts.index_device,
    )
