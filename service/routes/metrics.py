"""Figures for Prometheus."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.auth import needs
from service.parts import PartsOf
from service.responses import problems

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses=problems()
    | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Text."}},
    openapi_extra=needs("query"),
)
def read_metrics(parts: PartsOf) -> Response:
    return Response(parts.metrics.text(), headers={"content-type": CONTENT_TYPE_LATEST})
