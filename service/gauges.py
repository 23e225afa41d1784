"""The figures that are read when Prometheus asks: readiness, queue, memory, gallery, model."""

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from model.errors import GalleryFailure
from service.release import release

if TYPE_CHECKING:
    from service.parts import Parts

log = structlog.get_logger("sightline.gauges")


class Gauges(Collector):
    """Reads one service's parts."""

    def __init__(self, parts: "Parts") -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        yield from self._of_the_service()
        yield self._info()
        try:
            yield from self._of_the_gallery()
        except (GalleryFailure, OSError) as error:
            # The figures of a service in trouble are needed most: the rest is still told.
            log.error("gallery_figures_failed", reason=str(error))

    def _of_the_service(self) -> Iterator[Metric]:
        parts = self._parts
        yield _gauge("ready", "1 where work can be taken, else 0.", parts.not_ready() is None)
        yield _gauge(
            "queue_tracklets", "Tracklets admitted and not yet answered.", parts.batcher.depth
        )
        yield _gauge("queue_capacity", "Tracklets admitted at most.", parts.settings.queue)
        yield _gauge(
            "upload_memory_bytes",
            "Bytes of request bodies held in memory.",
            parts.upload_memory.taken,
        )
        yield _gauge(
            "upload_memory_limit_bytes",
            "Bytes of request bodies held at most.",
            parts.settings.upload_memory,
        )

    def _info(self) -> Metric:
        parts = self._parts
        manifest = parts.embedder.manifest
        labels = {
            "release": release(),
            "model_id": manifest.model_id,
            "precision": manifest.precision,
            "provider": parts.embedder.provider,
            "index": parts.index_device,
        }
        info = GaugeMetricFamily(
            "sightline_info",
            "Always 1; the labels tell the release, the model, and the devices in effect.",
            labels=list(labels),
        )
        info.add_metric(list(labels.values()), 1)
        return info

    def _of_the_gallery(self) -> Iterator[Metric]:
        gallery = self._parts.gallery
        stats, vitals = gallery.stats(), gallery.vitals()
        yield _gauge("gallery_tracklets", "Tracklets.", stats.tracklets)
        yield _gauge("gallery_identities", "Identities.", stats.identities)
        yield _gauge("gallery_pictures", "Kept pictures.", stats.pictures)
        yield _gauge("gallery_bytes", "Bytes of the gallery's files.", stats.bytes_on_disk)
        yield _gauge("gallery_generation", "Changes that the store holds.", vitals.generation)
        yield _gauge(
            "index_generation",
            "The last of them that the index has taken in.",
            vitals.index_generation,
        )
        yield _gauge(
            "erasures_open", "Erasures whose bytes may still be there.", vitals.open_erasures
        )
        yield _gauge(
            "audit_entries_unwritten",
            "Audit entries of searches and views that wait in memory.",
            vitals.unwritten_audit_entries,
        )
        free = shutil.disk_usage(self._parts.settings.gallery).free
        yield _gauge("disk_free_bytes", "Bytes free on the gallery's file system.", free)


def _gauge(name: str, description: str, value: float) -> Metric:
    return GaugeMetricFamily(f"sightline_{name}", description, value=value)
