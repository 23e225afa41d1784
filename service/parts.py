"""What the service is made of: opened once in the right order, passed around, closed in reverse."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated

import structlog
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, Request

from indexer.calibration import Decisions, decisions_of
from indexer.gallery import LocalGallery, open_gallery
from indexer.keys import FileKeys, KeyStore
from indexer.records import Scoring
from indexer.store import FILE
from model.decode import DecodedTracklet
from model.errors import KeyMissing
from model.runtime import Embedder, load_embedder
from model.threads import ThreadBudget, apply_thread_budget
from service.auth import Caller, Door
from service.batching import Batcher
from service.budget import Budget
from service.calibrations import Calibrations
from service.gauges import Gauges
from service.local import is_loopback
from service.metrics import Metrics
from service.penalty import Penalties
from service.settings import Settings
from service.uploads import Upload

log = structlog.get_logger("sightline.parts")

_GPU_BATCH = 16
_DOOR_THREADS = 4


@dataclass
class Parts:
    """Everything that answers requests."""

    settings: Settings
    embedder: Embedder
    gallery: LocalGallery
    door: Door
    batcher: Batcher
    metrics: Metrics
    threads: ThreadBudget
    calibrations: Calibrations
    draining: bool = False
    lost_device: str | None = None
    """Why only a new process can help, as an answer of the gallery said; see `device_lost`."""
    index_device: str = field(init=False)
    penalties: Penalties = field(init=False)
    upload_memory: Budget = field(init=False)
    door_threads: CapacityLimiter = field(init=False)
    _decoders: CapacityLimiter = field(init=False)

    def __post_init__(self) -> None:
        self.index_device = self.gallery.stats().index_device
        self.penalties = Penalties(self.settings.bad_key_seconds)
        self.upload_memory = Budget(self.settings.upload_memory)
        self.door_threads = CapacityLimiter(_DOOR_THREADS)
        self._decoders = CapacityLimiter(self.threads.decode)
        self.metrics.add(Gauges(self))

    def not_ready(self) -> str | None:
        """Why no work can be taken now, or None. Asks the key stores, so it blocks."""
        if self.draining:
            return "the service is shutting down"
        return self.device_lost or self.batcher.failure or self.door.failure()

    @property
    def device_lost(self) -> str | None:
        """Why the model's or the index's device is gone for good, or None."""
        return self.lost_device or (self.batcher.failure if self.batcher.device_lost else None)

    def decisions(self, scoring: Scoring) -> Decisions | None:
        """What scores mean that came about like this, as far as a calibration tells."""
        return decisions_of(
            self.calibrations.now(),
            prior=self.settings.prior,
            camera_normalised=scoring.camera_normalised,
            generation=scoring.generation,
        )

    async def decode(self, upload: Upload) -> DecodedTracklet:
        """Decode in a thread, a few uploads at a time."""
        settings = self.settings
        return await run_sync(
            upload.decode,
            self.embedder.manifest,
            settings.decode_limits,
            settings.threads,
            limiter=self._decoders,
        )


@contextmanager
def open_parts(settings: Settings) -> Iterator[Parts]:
    """Load the model, open the gallery, start the embedding thread.

    Raises `BundleInvalid`, `DeviceUnavailable`, `ModelMismatch`, `GalleryLocked`,
    `GalleryCorrupt`, and `KeyMissing` where strangers could call a service without keys, before
    anything is made.
    """
    _refuse_strangers(settings)
    threads = apply_thread_budget(settings.threads)
    embedder = load_embedder(settings.model, settings.device, settings.threads)
    manifest = embedder.manifest
    gallery = open_gallery(
        settings.gallery,
        model_id=manifest.model_id,
        width=manifest.embedding_width,
        create=True,
        threads=settings.threads,
        device=settings.device,
        keep_pictures=settings.keep_pictures,
        save_index=True,
        camera_normalisation=settings.camera_normalisation,
        identity_scoring=settings.identity_scoring,
    )
    try:
        door = Door(_key_stores(gallery, settings), rate=settings.key_rate)
        if not door.keyed and not is_loopback(settings.host):
            raise _key_missing(settings)
        with _batching(embedder, settings) as (batcher, metrics):
            yield Parts(
                settings=settings,
                embedder=embedder,
                gallery=gallery,
                door=door,
                batcher=batcher,
                metrics=metrics,
                threads=threads,
                calibrations=Calibrations(settings),
            )
    finally:
        gallery.close()


def _refuse_strangers(settings: Settings) -> None:
    """What can be said without a gallery: one that is not made yet holds no keys."""
    has_gallery = (settings.gallery / FILE).exists()
    if not has_gallery and settings.keys_file is None and not is_loopback(settings.host):
        raise _key_missing(settings)
    if settings.keys_file is not None:
        FileKeys(settings.keys_file).list()


def _key_missing(settings: Settings) -> KeyMissing:
    return KeyMissing(
        f"without a key the service listens on this machine only, not on {settings.host}: "
        "make one with `sightline keys create`"
    )


def _key_stores(gallery: LocalGallery, settings: Settings) -> list[KeyStore]:
    file = settings.keys_file
    return [gallery.keys] if file is None else [gallery.keys, FileKeys(file)]


@contextmanager
def _batching(embedder: Embedder, settings: Settings) -> Iterator[tuple[Batcher, Metrics]]:
    metrics = Metrics()
    batcher = Batcher(
        embedder,
        capacity=settings.queue,
        max_batch=_GPU_BATCH if embedder.provider == "cuda" else 1,
        watcher=metrics,
    )
    batcher.start()
    try:
        yield batcher, metrics
    finally:
        batcher.stop()


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


PartsOf = Annotated[Parts, Depends(_parts)]
CallerOf = Annotated[Caller, Depends(_caller)]
