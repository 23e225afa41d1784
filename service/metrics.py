"""The service's figures for Prometheus, in a registry of their own.

What happens is counted here; what is (sizes, queue, readiness) is read when the figures are asked
for, see `service.gauges`. The dashboard and the alerts in `docs/monitoring/` use these names, and a
test keeps them in step.

What is counted by code or by task stands at 0 from the start: to Prometheus a counter that comes
into being at 1 has not increased, and the first full disk would raise no alert.
"""

from typing import Final, Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from model.errors import DeviceLost, ModelFailure, ModelOutputInvalid, codes

Task = Literal["retention", "erasure", "refresh", "graph"]
"""What the service does for its gallery on its own."""

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_BATCHES: Final = (1, 2, 4, 8, 16)

_METHODS: Final = {"GET", "HEAD", "POST", "PATCH", "DELETE"}
_CODES: Final = sorted(codes() | {"method_not_allowed"})
_OF_THE_MODEL: Final = sorted({DeviceLost.code, ModelFailure.code, ModelOutputInvalid.code})


class Metrics:
    """Counts what happens."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = self._counter(
            "requests", "Requests by method, route and status.", "method", "route", "status"
        )
        self._request_seconds = self._histogram(
            "request_seconds", "Seconds from a request's headers to the end of its answer.", "route"
        )
        self._rejects = self._counter(
            "rejects", "Requests that were answered with a problem, by its code.", "code"
        )
        self._body_bytes = self._counter(
            "body_bytes", "Bytes of request bodies that were read, dropped ones included."
        )
        self._decode_seconds = self._histogram("decode_seconds", "Seconds of decoding an upload.")
        self._queue_seconds = self._histogram(
            "queue_seconds", "Seconds that a decoded tracklet waited for the model."
        )
        self._tracklets = self._counter(
            "embedded_tracklets", "Tracklets embedded, failed ones included."
        )
        self._embedding_failures = self._counter(
            "embedding_failures", "Tracklets that the model failed on, by code.", "code"
        )
        self._batch_seconds = self._histogram(
            "embedding_batch_seconds", "Seconds of the model per batch."
        )
        self._batch_tracklets = self._histogram(
            "embedding_batch_tracklets", "Tracklets per batch.", buckets=_BATCHES
        )
        self._search_seconds = self._histogram(
            "search_seconds", "Seconds of a search: filter, compare, rank, read rows, audit."
        )
        self._retention_erased = self._counter(
            "retention_erased_tracklets", "Tracklets erased because of their age."
        )
        self._upkeep_failures = self._counter(
            "upkeep_failures", "Background tasks that failed, by task.", "task"
        )
        for code in _CODES:
            self._rejects.labels(code)
        for code in _OF_THE_MODEL:
            self._embedding_failures.labels(code)
        for task in get_args(Task):
            self._upkeep_failures.labels(task)
        # Memory, processor time, open files and start time of this process.
        ProcessCollector(registry=self.registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered request; `route` is a template, never a path that holds a name."""
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def reject(self, code: str) -> None:
        self._rejects.labels(code).inc()

    def body(self, count: int) -> None:
        self._body_bytes.inc(count)

    def decoded(self, seconds: float) -> None:
        self._decode_seconds.observe(seconds)

    def queued(self, seconds: float) -> None:
        self._queue_seconds.observe(seconds)

    def batch(self, size: int, seconds: float) -> None:
        self._tracklets.inc(size)
        self._batch_tracklets.observe(size)
        self._batch_seconds.observe(seconds)

    def embedding_failed(self, code: str) -> None:
        self._embedding_failures.labels(code).inc()

    def searched(self, seconds: float) -> None:
        self._search_seconds.observe(seconds)

    def retention_erased(self, tracklets: int) -> None:
        self._retention_erased.inc(tracklets)

    def upkeep_failed(self, task: Task) -> None:
        self._upkeep_failures.labels(task).inc()

    def add(self, gauges: Collector) -> None:
        """Figures that are read whenever they are asked for."""
        self.registry.register(gauges)

    def text(self) -> bytes:
        return generate_latest(self.registry)

    def _counter(self, name: str, description: str, *labels: str) -> Counter:
        return Counter(f"sightline_{name}", description, labels, registry=self.registry)

    def _histogram(
        self,
        name: str,
        description: str,
        *labels: str,
        buckets: tuple[float, ...] = _SECONDS,
    ) -> Histogram:
        return Histogram(
            f"sightline_{name}", description, labels, buckets=buckets, registry=self.registry
        )
