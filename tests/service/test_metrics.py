"""Figures for Prometheus: each one moves with what it counts, and none of them tells a name."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from model.errors import GalleryCorrupt, StorageFull
from model.runtime import OnnxEmbedder
from service.parts import Parts
from tests.service.conftest import MakeClient
from tests.service.helpers import form

Figures = Callable[..., float]


def parts_of(client: TestClient) -> Parts:
    parts: Parts = client.app.state.parts  # type: ignore[attr-defined]
    return parts


def figures(client: TestClient) -> Figures:
    """What `GET /metrics` tells now: a figure by its name and labels."""
    response = client.get("/metrics")
    assert response.status_code == 200
    samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }
    return lambda name, **labels: samples[f"sightline_{name}", frozenset(labels.items())]


def test_the_main_path_is_timed_and_counted(client: TestClient) -> None:
    client.post("/tracklets", files=form(1, tracklet_id="secret-1", identity="anna"))
    client.post("/query", files=form(1))
    client.get("/tracklets/secret-1")

    told = figures(client)

    assert told("requests_total", method="POST", route="/tracklets", status="201") == 1
    route = "/tracklets/{tracklet_id}"
    assert told("requests_total", method="GET", route=route, status="200") == 1
    assert told("request_seconds_count", route="/query") == 1
    assert told("decode_seconds_count") == 2
    assert told("queue_seconds_count") == 2
    assert told("embedding_batch_seconds_count") == 2
    assert told("embedding_batch_tracklets_sum") == 2
    assert told("embedded_tracklets_total") == 2
    assert told("search_seconds_count") == 1
    assert told("body_bytes_total") > 1000


def test_what_an_alert_waits_for_is_counted_from_nought(client: TestClient) -> None:
    """A counter that comes into being at 1 has not increased, as Prometheus sees it."""
    told = figures(client)

    for code in ("storage_full", "key_invalid", "internal", "gallery_corrupt", "queue_full"):
        assert told("rejects_total", code=code) == 0
    assert told("embedding_failures_total", code="model_output_invalid") == 0
    for task in ("retention", "erasure", "refresh", "graph"):
        assert told("upkeep_failures_total", task=task) == 0


def test_the_state_is_told(client: TestClient) -> None:
    client.post("/tracklets", files=form(1, n=3, identity="anna"))
    client.post("/query", files=form(1))
    parts = parts_of(client)

    with parts.batcher.reserve():
        told = figures(client)

    manifest = parts.embedder.manifest
    assert told("ready") == 1
    assert (told("queue_tracklets"), told("queue_capacity")) == (1, 64)
    assert told("upload_memory_bytes") == 0
    assert told("upload_memory_limit_bytes") == 2**30
    assert told("gallery_tracklets") == told("gallery_identities") == 1
    assert told("gallery_pictures") == 3
    assert told("gallery_bytes") > 1000
    assert told("gallery_generation") == told("index_generation") >= 1
    assert told("erasures_open") == told("audit_entries_unwritten") == 0
    assert told("disk_free_bytes") > 0
    labels = {"model_id": manifest.model_id, "precision": "fp32", "provider": "cpu", "index": "cpu"}
    (info,) = [
        line for line in client.get("/metrics").text.splitlines() if "sightline_info{" in line
    ]
    assert all(f'{name}="{value}"' in info for name, value in labels.items())


def test_refusals_are_counted_by_their_reason(make_client: MakeClient) -> None:
    client = make_client(max_body_bytes=5_000)
    client.get("/tracklets/nobody")
    client.get("/nothing")
    client.get("/status?x=1")
    client.get("/status", headers={"via": "x"})
    client.put("/status")
    client.post("/query", files=[("frames", ("f", b"no picture"))])
    client.post("/query", files=[("frames", ("f", b"x" * 10_000))])

    told = figures(client)

    reasons = {
        "not_found": 2,
        "invalid_parameter": 1,
        "host_not_allowed": 1,
        "method_not_allowed": 1,
        "undecodable_frame": 1,
        "body_too_large": 1,
    }
    assert {code: told("rejects_total", code=code) for code in reasons} == reasons


def test_a_model_that_fails_is_counted(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object, __: Sequence[NDArray[np.uint8]]) -> Any:
        raise RuntimeError("poisoned")

    monkeypatch.setattr(OnnxEmbedder, "embed", fail)
    client.post("/query", files=form(1))

    told = figures(client)

    assert told("embedding_failures_total", code="internal") == 1
    assert told("rejects_total", code="internal") == 1
    assert told("queue_tracklets") == 0


def test_a_service_that_is_not_ready_still_tells(client: TestClient) -> None:
    parts_of(client).batcher.stop()

    assert figures(client)("ready") == 0


def test_a_gallery_that_cannot_be_read_hides_no_other_figure(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise GalleryCorrupt("the gallery's database is damaged")

    monkeypatch.setattr(parts_of(client).gallery, "stats", broken)

    told = figures(client)

    assert told("queue_tracklets") == 0
    with pytest.raises(KeyError):
        told("gallery_tracklets")


def test_audit_entries_that_wait_for_room_are_seen(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise StorageFull("no room")

    client.post("/tracklets", files=form(1))
    monkeypatch.setattr(parts_of(client).gallery._store, "logging", full)
    assert client.post("/query", files=form(1)).status_code == 200

    assert figures(client)("audit_entries_unwritten") == 1


def test_no_name_stands_in_the_figures(client: TestClient) -> None:
    client.post("/tracklets", files=form(1, tracklet_id="t-secret", identity="anna secret"))
    client.get("/identities/anna secret")
    client.get("/tracklets/t-secret/frames/0")
    client.get("/t-secret/elsewhere")
    client.request("T-SECRET", "/status")

    assert "secret" not in client.get("/metrics").text.lower()
