"""The service's figures for Prometheus, in a registry of their own."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Counts what happens; gauges ask when they are read."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "sightline_requests",
            "Requests by method, route and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "sightline_request_seconds",
            "Seconds from a request's headers to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._tracklets = Counter(
            "sightline_embedded_tracklets",
            "Tracklets embedded, failed ones included.",
            registry=self.registry,
        )
        self._batch_seconds = Histogram(
            "sightline_embedding_batch_seconds",
            "Seconds of the model per batch.",
            buckets=_SECONDS,
            registry=self.registry,
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        known = method if method in {"GET", "POST", "PATCH", "DELETE"} else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def batch(self, size: int, seconds: float) -> None:
        self._tracklets.inc(size)
        self._batch_seconds.observe(seconds)

    def gauge(self, name: str, description: str, read: Callable[[], float]) -> None:
        """Add a gauge that calls `read` whenever the figures are asked for."""
        Gauge(f"sightline_{name}", description, registry=self.registry).set_function(read)

    def text(self) -> bytes:
        return generate_latest(self.registry)
