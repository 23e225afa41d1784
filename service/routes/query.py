"""`POST /query`: the main path of Sightline.

upload -> decode and sample -> queue -> embed -> search -> answer
"""

import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from numpy.typing import NDArray

from indexer.answers import (
    Frames,
    QueryAnswer,
    QueryTracklet,
    Timing,
    results_of,
)
from indexer.records import Ranking, effective_frames
from model.errors import FramesOrClip
from service.auth import Caller, needs
from service.embedding import EmbeddedUpload, embed_upload
from service.forms import QueryForm, multipart_body, read_form
from service.parts import CallerOf, Parts, PartsOf
from service.responses import query_problems
from service.routes.tracklets import tracklet_warnings
from service.uploads import Upload, read_upload

router = APIRouter(tags=["query"])


@dataclass(frozen=True)
class _Cost:
    """Seconds."""

    decoding: float = 0.0
    queued: float = 0.0
    embedding: float = 0.0


@dataclass(frozen=True)
class _Probe:
    """What is searched for: an embedding, what to tell about it, and what it cost."""

    embedding: NDArray[np.float32]
    camera: str | None
    described: QueryTracklet
    warnings: tuple[str, ...] = ()
    cost: _Cost = field(default_factory=_Cost)


@router.post(
    "/query",
    summary="Rank the identities that look like a tracklet",
    response_model_exclude_unset=True,
    responses=query_problems(),
    openapi_extra=needs("query", queued=True) | multipart_body(QueryForm),
)
async def query(request: Request, parts: PartsOf, caller: CallerOf) -> QueryAnswer:
    started = time.perf_counter()
    async with read_upload(
        request,
        known=QueryForm.model_fields,
        max_parts=parts.settings.max_parts,
        limits=parts.settings.decode_limits,
    ) as upload:
        form = read_form(QueryForm, upload.texts)
        probe = await _probe(request, parts, caller, form, upload)
    searching = time.perf_counter()
    ranking = await run_sync(_search, parts, caller, form, probe)
    ended = time.perf_counter()
    parts.metrics.searched(ended - searching)
    return _answer(parts, form, probe, ranking, searched=ended - searching, total=ended - started)


def _search(parts: Parts, caller: Caller, form: QueryForm, probe: _Probe) -> Ranking:
    model_id = parts.embedder.manifest.model_id
    wanted = replace(form.search(), camera=probe.camera)
    return parts.gallery.search(probe.embedding, model_id, wanted, actor=caller.name)


async def _probe(
    request: Request, parts: Parts, caller: Caller, form: QueryForm, upload: Upload
) -> _Probe:
    """The pictures' embedding, or that of an enrolled tracklet."""
    if form.tracklet_id is None:
        upload.require_one_kind()
        return await _uploaded(request, parts, form, upload)
    if upload.has_pictures or form.boxes is not None:
        raise FramesOrClip("send pictures or a `tracklet_id`, not both")
    return await _enrolled(request, parts, caller, form, form.tracklet_id)


async def _uploaded(request: Request, parts: Parts, form: QueryForm, upload: Upload) -> _Probe:
    done = await embed_upload(request, parts, upload)
    tracklet, answer = done.tracklet, done.embedded.answer
    explained: dict[str, object] = {}
    if "spatial" in form.explain:
        explained["spatial_attention"] = answer.spatial_attention.tolist()
    if "frames" in form.explain:
        explained["pictures"] = _as_base64(await run_sync(tracklet.pictures))
    return _Probe(
        embedding=answer.embedding,
        camera=form.camera,
        described=QueryTracklet(
            frames=Frames(received=tracklet.received, sampled=tracklet.sampled),
            temporal_attention=answer.temporal_attention.tolist(),
            effective_frames=effective_frames(answer.temporal_attention),
            **explained,
        ),
        warnings=tracklet_warnings(done),
        cost=_cost(done),
    )


def _cost(done: EmbeddedUpload) -> _Cost:
    return _Cost(done.decoding, done.embedded.queued, done.embedded.embedding)


async def _enrolled(
    request: Request, parts: Parts, caller: Caller, form: QueryForm, tracklet_id: str
) -> _Probe:
    """The stored embedding. Attention maps are not stored: kept pictures are embedded again."""
    stored = await run_sync(parts.gallery.get, tracklet_id)
    embedding = await run_sync(parts.gallery.embedding, tracklet_id)
    explained: dict[str, object] = {}
    pictures = await _pictures(parts, caller, tracklet_id) if form.explain else ()
    if "frames" in form.explain:
        explained["pictures"] = _as_base64(pictures) if pictures else None
    cost = _Cost()
    if "spatial" in form.explain:
        explained["spatial_attention"] = None
        if pictures:
            done = await embed_upload(request, parts, Upload(frames=list(pictures)))
            explained["spatial_attention"] = done.embedded.answer.spatial_attention.tolist()
            cost = _cost(done)
    return _Probe(
        cost=cost,
        embedding=embedding,
        camera=stored.camera,
        described=QueryTracklet(
            frames=Frames(received=stored.received, sampled=stored.sampled),
            temporal_attention=stored.temporal_attention,
            effective_frames=stored.effective_frames,
            **explained,
        ),
    )


async def _pictures(parts: Parts, caller: Caller, tracklet_id: str) -> Sequence[bytes]:
    """The kept pictures; that somebody looked at them, or had them read, is on record."""
    return await run_sync(lambda: parts.gallery.pictures(tracklet_id, actor=caller.name))


def _answer(
    parts: Parts,
    form: QueryForm,
    probe: _Probe,
    ranking: Ranking,
    *,
    searched: float,
    total: float,
) -> QueryAnswer:
    frames = len(probe.described.frames.sampled)
    results, gallery = results_of(ranking, parts.decisions(ranking.scoring), form.far, frames)
    return QueryAnswer(
        query=probe.described,
        results=results,
        gallery=gallery,
        warnings=probe.warnings,
        model_id=parts.embedder.manifest.model_id,
        timing_ms=Timing(
            decode=_ms(probe.cost.decoding),
            queue=_ms(probe.cost.queued),
            embed=_ms(probe.cost.embedding),
            search=_ms(searched),
            total=_ms(total),
        ),
    )


def _as_base64(pictures: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(picture).decode("ascii") for picture in pictures]


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 3)
