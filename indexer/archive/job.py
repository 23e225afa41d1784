"""One call of `sightline index`, from its options to its report."""

import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from indexer.archive.detector import load_detector
from indexer.archive.files import open_archive
from indexer.archive.layouts import Found, Layout, detect, scan
from indexer.archive.ledger import Ledger
from indexer.archive.pipeline import Run
from indexer.archive.preparation import Preparation
from indexer.archive.report import Report
from indexer.archive.sources import Archive, Footage
from indexer.archive.survey import Survey, Tracker, take_survey
from indexer.gallery import open_gallery
from indexer.protocol import Gallery
from indexer.settings import GallerySettings
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


def index_archive(job: IndexJob) -> Report:
    """Bring an archive into its gallery, which is made where there is none.

    Raises `InvalidParameter`, `BundleInvalid`, `DeviceUnavailable`, `ModelMismatch` before anything
    is done; `StorageFull`, `DeviceLost` and the like leave what was enrolled until then.
    """
    began, started = time.monotonic(), datetime.now(UTC)
    archive = open_archive(job.folder, job.name)
    layout = _layout(job, archive)
    threads = apply_thread_budget(job.settings.threads).model
    embedder = load_embedder(job.settings.model, job.settings.device, threads)
    console.print(f"model {embedder.manifest.model_id} on {embedder.provider}")
    report = Report(archive.name, layout)
    with closing(_gallery(job, embedder)) as gallery, Ledger(job.settings.gallery) as ledger:
        survey = _survey(job, archive, layout, threads)
        preparation = Preparation(
            archive,
            gallery,
            embedder.manifest,
            job.settings.decode_limits,
            keep_pictures=job.settings.keep_pictures,
            include_erased=job.include_erased,
        )
        with ProgressLine("indexing", survey.tracklets, "tracklets") as line:
            Run(
                survey=survey,
                preparation=preparation,
                gallery=gallery,
                embedder=embedder,
                ledger=ledger,
                report=report,
                workers=threads,
                include_erased=job.include_erased,
                on_tracklet=line.advance,
            ).go()
        ledger.forget(archive, before=started)
    report.seconds = time.monotonic() - began
    return report


def _layout(job: IndexJob, archive: Archive) -> Found:
    """The layout asked for, or the one that the archive has."""
    if job.layout != "auto":
        return job.layout
    layout = detect(archive)
    console.print(f"layout: {layout}")
    return layout


def _gallery(job: IndexJob, embedder: Embedder) -> Gallery:
    return open_gallery(
        job.settings.gallery,
        model_id=embedder.manifest.model_id,
        width=embedder.manifest.embedding_width,
        create=True,
        threads=job.settings.threads,
        device="cpu",  # whoever only writes has no use for the vectors on a GPU
        keep_pictures=job.settings.keep_pictures,
    )


def _survey(job: IndexJob, archive: Archive, layout: Found, threads: int) -> Survey:
    """Count the tracklets; where the layout is `video`, find them first."""
    if layout != "video":
        return take_survey(archive, layout, job.start, None, lambda *_: None)
    if job.detector is None:
        raise InvalidParameter("videos without boxes want a person detector: --detector FILE")
    limits = job.settings.decode_limits
    detector = load_detector(job.detector, job.settings.device, threads)
    tracker = Tracker(detector, job.detector, job.settings.gallery, limits)
    videos = sum(isinstance(found, Footage) for found in scan(archive, layout, job.start))
    with ProgressLine("finding people", videos, "videos") as line:
        return take_survey(archive, layout, job.start, tracker, line.advance)
