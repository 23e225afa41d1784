"""The service's own description, for whoever holds a key."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from service.auth import needs
from service.responses import problems

router = APIRouter(tags=["status"])


@router.get(
    "/openapi.json",
    summary="This description",
    response_class=JSONResponse,
    responses=problems(),
    openapi_extra=needs("query"),
)
async def read_openapi(request: Request) -> JSONResponse:
    return JSONResponse(request.app.openapi())
