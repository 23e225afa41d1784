"""Answers a question from a gallery in a folder, without a service."""

import math
import time
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer.answers import (
    Caution,
    Frames,
    QueryAnswer,
    QueryTracklet,
    Timing,
    results_of,
)
from indexer.asking import Clip, Crops, Enrolled, Subject, Wanted
from indexer.calibration import Decisions, decisions_of, fitting_calibration
from indexer.gallery import open_gallery
from indexer.protocol import Gallery
from indexer.records import effective_frames
from indexer.settings import GallerySettings
from model.bundle import Bundle, Manifest, open_bundle
from model.clip import decode_clip
from model.decode import DecodedTracklet, decode_frames
from model.errors import BundleInvalid, ModelFailure
from model.limits import DecodeLimits
from model.runtime import load_embedder
from model.terminal import console
from model.threads import apply_thread_budget

ACTOR = "command line"


@dataclass(frozen=True)
class _Probe:
    """What is searched for, and what it cost in seconds."""

    embedding: NDArray[np.float32]
    camera: str | None
    described: QueryTracklet
    warnings: tuple[Caution, ...] = ()
    decoding: float = 0.0
    embedding_seconds: float = 0.0


@dataclass(frozen=True)
class LocalAnswer:
    """An answer, and what its decisions rest on."""

    answer: QueryAnswer
    decisions: Decisions | None


def ask_gallery(subject: Subject, wanted: Wanted, settings: GallerySettings) -> LocalAnswer:
    """Search the gallery of the settings, with their model where pictures are asked about.

    Raises `GalleryMissing`, `ModelMismatch`, `NotFound`, `BundleInvalid`, and what decoding raises.
    """
    began = time.perf_counter()
    apply_thread_budget(settings.threads)
    bundle = _bundle(subject, settings)
    enrolled = subject.tracklet_id if isinstance(subject, Enrolled) else None
    model_id = bundle.manifest.model_id if bundle is not None and enrolled is None else None
    with closing(_open(settings, model_id)) as gallery:
        probe = _probe(subject, gallery, settings, wanted.camera)
        searching = time.perf_counter()
        asked = replace(wanted.search(enrolled), camera=probe.camera)
        found = gallery.search(probe.embedding, gallery.model_id, asked, actor=ACTOR)
        ended = time.perf_counter()
        model_id = gallery.model_id
    supplied = None if bundle is None else bundle.calibration
    calibration = fitting_calibration(model_id, settings.gallery, supplied, _warn)
    decisions = decisions_of(
        calibration,
        prior=settings.prior,
        camera_normalised=found.scoring.camera_normalised,
        generation=found.scoring.generation,
    )
    frames = len(probe.described.frames.sampled)
    results, searched = results_of(found, decisions, wanted.far, frames)
    answer = QueryAnswer(
        query=probe.described,
        results=results,
        gallery=searched,
        warnings=probe.warnings,
        model_id=model_id,
        timing_ms=Timing(
            decode=1000 * probe.decoding,
            queue=0.0,
            embed=1000 * probe.embedding_seconds,
            search=1000 * (ended - searching),
            total=1000 * (ended - began),
        ),
    )
    return LocalAnswer(answer, decisions)


def _open(settings: GallerySettings, model_id: str | None) -> Gallery:
    return open_gallery(
        settings.gallery,
        model_id=model_id,
        width=None,
        create=False,
        threads=settings.threads,
        device="cpu",  # filling a GPU index would take longer than this one search
        keep_pictures=settings.keep_pictures,
        camera_normalisation=settings.camera_normalisation,
        identity_scoring=settings.identity_scoring,
        rerank_pairs=math.inf,  # nobody else waits for this process
    )


def _bundle(subject: Subject, settings: GallerySettings) -> Bundle | None:
    """The model's bundle; an enrolled tracklet needs it only for its calibration."""
    try:
        return open_bundle(settings.model)
    except BundleInvalid:
        if isinstance(subject, Enrolled):
            return None
        raise


def _warn(source: str, reason: str) -> None:
    console.print(f"the {source}'s calibration is {reason} and not used", style="yellow")


def _probe(
    subject: Subject, gallery: Gallery, settings: GallerySettings, camera: str | None
) -> _Probe:
    if isinstance(subject, Enrolled):
        return _enrolled(gallery, subject.tracklet_id)
    embedder = load_embedder(settings.model, settings.device, settings.threads)
    loaded = time.perf_counter()
    decoded = _decoded(subject, embedder.manifest, settings.decode_limits)
    ready = time.perf_counter()
    (embedded,) = embedder.embed([decoded.frames])
    if isinstance(embedded, ModelFailure):
        raise embedded
    return _Probe(
        embedding=embedded.embedding,
        camera=camera,
        described=QueryTracklet(
            frames=Frames(received=decoded.received, sampled=decoded.sampled),
            temporal_attention=embedded.temporal_attention.tolist(),
            effective_frames=effective_frames(embedded.temporal_attention),
        ),
        warnings=("looks_uncropped",) if decoded.looks_uncropped else (),
        decoding=ready - loaded,
        embedding_seconds=time.perf_counter() - ready,
    )


def _enrolled(gallery: Gallery, tracklet_id: str) -> _Probe:
    stored = gallery.get(tracklet_id)
    return _Probe(
        embedding=gallery.embedding(tracklet_id),
        camera=stored.camera,
        described=QueryTracklet(
            frames=Frames(received=stored.received, sampled=stored.sampled),
            temporal_attention=stored.temporal_attention,
            effective_frames=stored.effective_frames,
        ),
    )


def _decoded(subject: Crops | Clip, manifest: Manifest, limits: DecodeLimits) -> DecodedTracklet:
    shape = (manifest.frames_per_tracklet, manifest.frame_height, manifest.frame_width)
    if isinstance(subject, Clip):
        return decode_clip(subject.file, None, *shape, limits)
    taken = subject.at_most(limits.max_frames).files
    if len(taken) < len(subject.files):
        console.print(f"using {len(taken)} of {len(subject.files)} frames: a tracklet has no more")
    return decode_frames([path.read_bytes() for path in taken], *shape, limits)
