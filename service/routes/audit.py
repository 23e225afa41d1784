"""The audit log: who did what, and when."""

from typing import Annotated

from fastapi import APIRouter, Query

from service.auth import needs
from service.forms import PageParameters
from service.parts import PartsOf
from service.responses import problems
from service.schemas import AuditEntry, AuditPage

router = APIRouter(tags=["audit"])


@router.get(
    "/audit",
    summary="Read the audit log, newest first",
    responses=problems(422),
    openapi_extra=needs("admin"),
)
def read_audit(parts: PartsOf, asked: Annotated[PageParameters, Query()]) -> AuditPage:
    page = parts.gallery.audit(limit=asked.limit, cursor=asked.cursor)
    return AuditPage(
        items=[AuditEntry.model_validate(entry, from_attributes=True) for entry in page.items],
        next_cursor=page.next_cursor,
    )
