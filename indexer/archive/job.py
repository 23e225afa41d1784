"""One call of `sightline index`, from its options to its report."""

import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from indexer.archive.detector import PersonDetector, load_detector
from indexer.archive.files import open_archive
from indexer.archive.layouts import Found, Layout, detect, scan
from indexer.archive.ledger import Ledger
from indexer.archive.local_engine import LocalEngine
from indexer.archive.pipeline import Engine, Run
from indexer.archive.preparation import Preparation
from indexer.archive.reading import PictureReader
from indexer.archive.report import Report
from indexer.archive.sources import Archive, Footage
from indexer.archive.survey import Survey, Tracker, take_survey
from indexer.archive.tracking import require_tracker
from indexer.gallery import open_gallery
from indexer.protocol import Gallery
from indexer.settings import GallerySettings
from model.bundle import Manifest, open_bundle
from model.errors import InvalidParameter
from model.runtime import Embedder, load_embedder
from model.terminal import ProgressLine, console
from model.threads import apply_thread_budget


@dataclass(frozen=True)
class IndexJob:
    """What is to be indexed, and how."""

    folder: Path
    layout: Layout
    settings: GallerySettings
    name: str | None = None
    """The archive's name in ids; its folder's where None."""
    detector: Path | None = None
    start: datetime | None = None
    include_erased: bool = False
    engine: Literal["local", "ray"] = "local"


def index_archive(job: IndexJob) -> Report:
    """Bring an archive into its gallery, which is made where there is none.

    Raises `InvalidParameter`, `BundleInvalid`, `DeviceUnavailable`, `ModelMismatch` before anything
    is done; `StorageFull`, `DeviceLost` and the like leave what was enrolled until then.
    """
    began, started = time.monotonic(), datetime.now(UTC)
    archive = open_archive(job.folder, job.name)
    layout = _layout(job, archive)
    _check_usage(job, archive, layout)
    threads = apply_thread_budget(job.settings.threads).model
    detector = _detector(job, layout, threads)
    manifest, embedder = _model(job, threads)
    report = Report(archive.name, layout, job.engine)
    with closing(_gallery(job, manifest)) as gallery, Ledger(job.settings.gallery) as ledger:
        survey = _survey(job, archive, layout, detector)
        reader = PictureReader(archive, manifest, job.settings.decode_limits)
        preparation = Preparation(
            reader,
            gallery,
            keep_pictures=job.settings.keep_pictures,
            include_erased=job.include_erased,
        )
        with ProgressLine("indexing", survey.tracklets, "tracklets") as line:
            Run(
                survey=survey,
                engine=_engine(job, preparation, embedder, threads),
                gallery=gallery,
                ledger=ledger,
                report=report,
                include_erased=job.include_erased,
                on_tracklet=line.advance,
            ).go()
        ledger.forget(archive, before=started)
    report.seconds = time.monotonic() - began
    return report


def _check_usage(job: IndexJob, archive: Archive, layout: Found) -> None:
    """Refuse what cannot be meant, before anything is loaded or made."""
    if job.engine == "ray" and layout in ("mot", "video"):
        raise InvalidParameter("--engine ray is for archives of pictures: index videos locally")
    if layout == "video":
        if job.detector is None:
            raise InvalidParameter("videos without boxes want a person detector: --detector FILE")
        require_tracker()
    scan(archive, layout, job.start)  # refuses at once what the layout cannot use


def _detector(job: IndexJob, layout: Found, threads: int) -> PersonDetector | None:
    """The person detector where the layout wants one."""
    if layout != "video" or job.detector is None:
        return None
    return load_detector(job.detector, job.settings.device, threads)


def _model(job: IndexJob, threads: int) -> tuple[Manifest, Embedder | None]:
    """What the model is, and the loaded model where this process is to run it."""
    if job.engine == "ray":
        return open_bundle(job.settings.model).manifest, None
    embedder = load_embedder(job.settings.model, job.settings.device, threads)
    console.print(f"model {embedder.manifest.model_id} on {embedder.provider}")
    return embedder.manifest, embedder


def _engine(
    job: IndexJob, preparation: Preparation, embedder: Embedder | None, threads: int
) -> Engine:
    if embedder is not None:
        return LocalEngine(preparation, embedder, threads)
    from indexer.archive.ray_engine import RayEngine

    return RayEngine(preparation, job.settings.model.resolve(), job.settings.device)


def _layout(job: IndexJob, archive: Archive) -> Found:
    """The layout asked for, or the one that the archive has."""
    if job.layout != "auto":
        return job.layout
    layout = detect(archive)
    console.print(f"layout: {layout}")
    return layout


def _gallery(job: IndexJob, manifest: Manifest) -> Gallery:
    return open_gallery(
        job.settings.gallery,
        model_id=manifest.model_id,
        width=manifest.embedding_width,
        create=True,
        threads=job.settings.threads,
        device="cpu",  # whoever only writes has no use for the vectors on a GPU
        keep_pictures=job.settings.keep_pictures,
    )


def _survey(
    job: IndexJob, archive: Archive, layout: Found, detector: PersonDetector | None
) -> Survey:
    """Count the tracklets; with a detector, find them first."""
    if detector is None or job.detector is None:
        return take_survey(archive, layout, job.start, None, lambda *_: None)
    limits = job.settings.decode_limits
    tracker = Tracker(detector, job.detector, job.settings.gallery, limits)
    videos = sum(isinstance(found, Footage) for found in scan(archive, layout, job.start))
    with ProgressLine("finding people", videos, "videos") as line:
        return take_survey(archive, layout, job.start, tracker, line.advance)
