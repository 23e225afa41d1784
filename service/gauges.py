"""The figures that are read when Prometheus asks: readiness, queue, memory, gallery, model."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from model.errors import GalleryFailure
from service.release import release

if TYPE_CHECKING:
    from indexer.records import Stats, Vitals
    from service.parts import Parts

log = structlog.get_logger("sightline.gauges")

S = TypeVar("S")


@dataclass(frozen=True)
class Gauge(Generic[S]):
    """A figure by its name, and how it is read from its source."""

    name: str
    description: str
    read: Callable[[S], float]


@dataclass(frozen=True)
class Shape:
    """What a gallery tells about itself at one moment."""

    stats: "Stats"
    vitals: "Vitals"
    disk_free: int


OF_THE_SERVICE: Final[Sequence[Gauge["Parts"]]] = (
    Gauge("ready", "1 where work can be taken, else 0.", lambda parts: parts.not_ready() is None),
    Gauge(
        "queue_tracklets",
        "Tracklets admitted and not yet answered.",
        lambda parts: parts.batcher.depth,
    ),
    Gauge("queue_capacity", "Tracklets admitted at most.", lambda parts: parts.settings.queue),
    Gauge(
        "upload_memory_bytes",
        "Bytes of request bodies held in memory.",
        lambda parts: parts.upload_memory.taken,
    ),
    Gauge(
        "upload_memory_limit_bytes",
        "Bytes of request bodies held at most.",
        lambda parts: parts.settings.upload_memory,
    ),
)

OF_THE_GALLERY: Final[Sequence[Gauge[Shape]]] = (
    Gauge("gallery_tracklets", "Tracklets.", lambda gallery: gallery.stats.tracklets),
    Gauge("gallery_identities", "Identities.", lambda gallery: gallery.stats.identities),
    Gauge("gallery_pictures", "Kept pictures.", lambda gallery: gallery.stats.pictures),
    Gauge(
        "gallery_bytes",
        "Bytes of the gallery's files.",
        lambda gallery: gallery.stats.bytes_on_disk,
    ),
    Gauge(
        "gallery_generation",
        "Changes that the store holds.",
        lambda gallery: gallery.vitals.generation,
    ),
    Gauge(
        "index_generation",
        "The last of them that the index has taken in.",
        lambda gallery: gallery.vitals.index_generation,
    ),
    Gauge(
        "erasures_open",
        "Erasures whose bytes may still be there.",
        lambda gallery: gallery.vitals.open_erasures,
    ),
    Gauge(
        "audit_entries_unwritten",
        "Audit entries of searches and views that wait in memory.",
        lambda gallery: gallery.vitals.unwritten_audit_entries,
    ),
    Gauge(
        "disk_free_bytes",
        "Bytes free on the gallery's file system.",
        lambda gallery: gallery.disk_free,
    ),
)

INFO: Final = "Always 1; the labels tell the release, the model, and the devices in effect."
INFO_LABELS: Final = ("release", "model_id", "precision", "provider", "index")


class Gauges(Collector):
    """Reads one service's parts."""

    def __init__(self, parts: "Parts") -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        yield from (_metric(gauge, self._parts) for gauge in OF_THE_SERVICE)
        yield self._info()
        try:
            gallery = self._shape()
        except (GalleryFailure, OSError) as error:
            # The figures of a service in trouble are needed most: the rest is still told.
            log.error("gallery_figures_failed", reason=str(error))
        else:
            yield from (_metric(gauge, gallery) for gauge in OF_THE_GALLERY)

    def _info(self) -> Metric:
        parts = self._parts
        manifest = parts.embedder.manifest
        values = (
            release(),
            manifest.model_id,
            manifest.precision,
            parts.embedder.provider,
            parts.index_device,
        )
        info = GaugeMetricFamily("sightline_info", INFO, labels=INFO_LABELS)
        info.add_metric(values, 1)
        return info

    def _shape(self) -> Shape:
        gallery = self._parts.gallery
        free = shutil.disk_usage(self._parts.settings.gallery).free
        return Shape(gallery.stats(), gallery.vitals(), free)


def _metric(gauge: Gauge[S], source: S) -> Metric:
    name = f"sightline_{gauge.name}"
    return GaugeMetricFamily(name, gauge.description, value=float(gauge.read(source)))
