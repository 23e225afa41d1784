"""Identities: labels that tracklets share."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request

from model.errors import InvalidParameter
from model.names import clean_name
from service.auth import needs
from service.forms import IdentityParameters, MergeInto, PageParameters
from service.parts import CallerOf, PartsOf
from service.responses import erase_problems, problems
from service.schemas import (
    Erased,
    Identity,
    IdentityPage,
    IdentityPath,
    Merged,
    Receipt,
    TrackletPage,
)
from service.strict_json import json_body, read_json

router = APIRouter(tags=["identities"])

NamePath = Annotated[str, Path(examples=["p-017"])]


@router.get(
    "/identities",
    summary="List identities",
    responses=problems(422),
    openapi_extra=needs("query"),
)
def list_identities(parts: PartsOf, asked: Annotated[IdentityParameters, Query()]) -> IdentityPage:
    page = parts.gallery.identities(
        prefix=asked.prefix or "", limit=asked.limit, cursor=asked.cursor
    )
    return IdentityPage(
        items=[Identity.of(record) for record in page.items], next_cursor=page.next_cursor
    )


@router.get(
    "/identities/{name}",
    summary="An identity's path through the cameras",
    responses=problems(404, 422),
    openapi_extra=needs("query"),
)
def get_identity(
    parts: PartsOf, name: NamePath, asked: Annotated[PageParameters, Query()]
) -> IdentityPath:
    wanted = _identity(name)
    summary = parts.gallery.identity(wanted)
    page = TrackletPage.of(parts.gallery.path(wanted, limit=asked.limit, cursor=asked.cursor))
    return IdentityPath.of(summary, items=page.items, next_cursor=page.next_cursor)


@router.post(
    "/identities/{name}/merge",
    summary="Merge an identity into another",
    responses=problems(400, 404, 408, 413, 415, 422, 507),
    openapi_extra=needs("enrol") | json_body(MergeInto),
)
async def merge(request: Request, parts: PartsOf, caller: CallerOf, name: NamePath) -> Merged:
    into = (await read_json(request, MergeInto)).into
    wanted = _identity(name)
    if into == wanted:
        raise InvalidParameter("an identity cannot be merged into itself")
    done = await run_sync(lambda: parts.gallery.merge(wanted, into, actor=caller.name))
    return Merged(moved=done.moved, merge_id=done.merge_id)


@router.post(
    "/merges/{merge_id}/undo",
    summary="Undo a merge",
    responses=problems(404, 422, 507),
    openapi_extra=needs("enrol"),
)
def undo_merge(
    parts: PartsOf, caller: CallerOf, merge_id: Annotated[str, Path(max_length=128)]
) -> Merged:
    done = parts.gallery.undo_merge(merge_id, actor=caller.name)
    return Merged(moved=done.moved, merge_id=done.merge_id)


@router.delete(
    "/identities/{name}",
    summary="Erase all tracklets of an identity",
    responses=erase_problems(),
    openapi_extra=needs("admin"),
)
def erase_identity(parts: PartsOf, caller: CallerOf, name: NamePath) -> Erased:
    receipt = parts.gallery.erase_identity(_identity(name), actor=caller.name)
    return Erased(erased_tracklets=receipt.tracklets, receipt=Receipt.of(receipt))


def _identity(name: str) -> str:
    if (identity := clean_name(name, "identity")) is None:
        raise InvalidParameter("an identity must have a name")
    return identity
