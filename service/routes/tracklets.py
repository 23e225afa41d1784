"""Enrolled tracklets: put in, looked at, changed, erased."""

import json
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request, Response

from indexer.records import NewTracklet
from model.names import clean_tracklet_id
from service.auth import Caller, needs
from service.embedding import EmbeddedUpload, embed_upload
from service.forms import (
    EnrolForm,
    TrackletChanges,
    TrackletFilters,
    multipart_body,
    read_form,
)
from service.parts import CallerOf, Parts, PartsOf
from service.responses import erase_problems, problems, upload_problems
from service.schemas import EnrolledTracklet, Receipt, Tracklet, TrackletPage
from service.strict_json import json_body, read_json
from service.uploads import Upload, read_upload

router = APIRouter(tags=["tracklets"])

PICTURE_COST = 1 / 32
"""A tracklet's 32 pictures together cost as much as one request."""

TrackletPath = Annotated[str, Path(examples=["c3-000128"])]

JPEG = {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}


@router.post(
    "/tracklets",
    status_code=201,
    summary="Enrol a tracklet",
    responses=upload_problems(409, 507)
    | {200: {"model": EnrolledTracklet, "description": "This content is stored already."}},
    openapi_extra=needs("enrol", queued=True) | multipart_body(EnrolForm),
)
async def enrol(
    request: Request, response: Response, parts: PartsOf, caller: CallerOf
) -> EnrolledTracklet:
    async with read_upload(
        request,
        known=EnrolForm.model_fields,
        max_parts=parts.settings.max_parts,
        limits=parts.settings.decode_limits,
    ) as upload:
        form = read_form(EnrolForm, upload.texts)
        upload.require_one_kind()
        if form.tracklet_id is not None:
            stored = await run_sync(
                parts.gallery.find_same, form.tracklet_id, upload.content_sha256
            )
            if stored is not None:
                response.status_code = 200
                return EnrolledTracklet.of(stored, warnings=())
        embedded = await embed_upload(request, parts, upload)
    return await run_sync(_store, response, parts, caller, form, upload, embedded)


def _store(
    response: Response,
    parts: Parts,
    caller: Caller,
    form: EnrolForm,
    upload: Upload,
    embedded: EmbeddedUpload,
) -> EnrolledTracklet:
    tracklet, answer = embedded.tracklet, embedded.embedded.answer
    new = NewTracklet(
        tracklet_id=form.tracklet_id,
        content_sha256=upload.content_sha256,
        model_id=parts.embedder.manifest.model_id,
        embedding=answer.embedding,
        temporal_attention=answer.temporal_attention.tolist(),
        received=tracklet.received,
        sampled=tracklet.sampled,
        pictures=tracklet.pictures() if parts.settings.keep_pictures else (),
        identity=form.identity,
        camera=form.camera,
        captured_at=form.captured_at,
        captured_until=form.captured_until,
        attributes=form.attributes or {},
    )
    enrolled = parts.gallery.enrol(new, actor=caller.name)
    response.status_code = 201 if enrolled.created else 200
    return EnrolledTracklet.of(enrolled.tracklet, warnings=tracklet_warnings(embedded))


def tracklet_warnings(embedded: EmbeddedUpload) -> tuple[str, ...]:
    """What a person should know about an upload that was taken all the same."""
    return ("looks_uncropped",) if embedded.tracklet.looks_uncropped else ()


@router.get(
    "/tracklets",
    summary="List tracklets",
    responses=problems(422),
    openapi_extra=needs("query"),
)
def list_tracklets(parts: PartsOf, asked: Annotated[TrackletFilters, Query()]) -> TrackletPage:
    page = parts.gallery.list(asked.filter(), limit=asked.limit, cursor=asked.cursor)
    return TrackletPage.of(page)


@router.get(
    "/tracklets/{tracklet_id}",
    summary="Look at a tracklet",
    responses=problems(404, 422),
    openapi_extra=needs("query"),
)
def get_tracklet(parts: PartsOf, tracklet_id: TrackletPath) -> Tracklet:
    return Tracklet.of(parts.gallery.get(clean_tracklet_id(tracklet_id)))


@router.patch(
    "/tracklets/{tracklet_id}",
    summary="Change a tracklet's labels",
    responses=problems(400, 404, 408, 413, 415, 422, 507),
    openapi_extra=needs("enrol") | json_body(TrackletChanges),
)
async def patch_tracklet(
    request: Request, parts: PartsOf, caller: CallerOf, tracklet_id: TrackletPath
) -> Tracklet:
    changes = (await read_json(request, TrackletChanges)).patch()
    wanted = clean_tracklet_id(tracklet_id)
    return Tracklet.of(
        await run_sync(lambda: parts.gallery.patch(wanted, changes, actor=caller.name))
    )


@router.delete(
    "/tracklets/{tracklet_id}",
    status_code=204,
    summary="Erase a tracklet",
    responses=erase_problems()
    | {
        204: {
            "description": "Row, vector and pictures are gone.",
            "headers": {
                "Sightline-Receipt": {
                    "description": "The receipt of the erasure as JSON.",
                    "schema": {"type": "string"},
                }
            },
        }
    },
    openapi_extra=needs("admin"),
)
def erase_tracklet(parts: PartsOf, caller: CallerOf, tracklet_id: TrackletPath) -> Response:
    receipt = parts.gallery.erase(clean_tracklet_id(tracklet_id), actor=caller.name)
    text = json.dumps(Receipt.of(receipt).model_dump(mode="json"), separators=(",", ":"))
    return Response(status_code=204, headers={"Sightline-Receipt": text})


@router.get(
    "/tracklets/{tracklet_id}/frames/{place}",
    summary="A sampled frame as a picture",
    response_class=Response,
    responses=problems(404, 422) | {200: {"content": JPEG, "description": "The frame."}},
    openapi_extra=needs("query", cost=PICTURE_COST),
)
def get_frame(
    parts: PartsOf,
    caller: CallerOf,
    tracklet_id: TrackletPath,
    place: Annotated[int, Path(ge=0, le=2**31, description="0-based.", examples=[0])],
) -> Response:
    wanted = clean_tracklet_id(tracklet_id)
    picture = parts.gallery.picture(wanted, place, actor=caller.name)
    return Response(picture, media_type="image/jpeg")
