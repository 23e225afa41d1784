"""What the service says about itself: health, status, model, metrics."""

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from model.bundle import CALIBRATION, Manifest
from model.errors import SightlineError
from service.app import create_app
from service.parts import open_parts
from service.settings import Settings
from tests.service.conftest import LOCAL, MakeClient
from tests.service.helpers import form
from tests.support.calibrations import make_calibration
from tests.support.fake_bundle import make_bundle


def test_health(client: TestClient, fake_bundle: Path) -> None:
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").json() == {
        "ready": True,
        "model_id": Manifest.load(fake_bundle).model_id,
        "provider": "cpu",
        "precision": "fp32",
        "index": "cpu",
    }


def test_a_draining_service_is_not_ready_and_takes_no_work(client: TestClient) -> None:
    client.app.state.parts.draining = True  # type: ignore[attr-defined]

    ready = client.get("/readyz")
    work = client.post("/query", files=form(1))

    assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
    assert (work.status_code, work.json()["code"]) == (503, "draining")
    assert client.get("/livez").status_code == 200


def test_a_dead_embedding_thread_is_not_ready(client: TestClient) -> None:
    client.app.state.parts.batcher.stop()  # type: ignore[attr-defined]

    ready = client.get("/readyz")
    work = client.post("/query", files=form(1))

    assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
    assert "thread" in ready.json()["detail"]
    assert (work.status_code, work.json()["code"]) == (503, "not_ready")


def test_status_tells_sizes_limits_and_role(client: TestClient) -> None:
    client.post("/tracklets", files=form(1, n=3, identity="anna", camera="c1"))

    status = client.get("/status").json()

    assert status["gallery"]["tracklets"] == 1
    assert status["gallery"]["pictures"] == 3
    assert status["role"] == "admin"
    assert status["device"] == "cpu"
    assert status["queue_depth"] == 0
    assert status["calibration"] is None
    assert status["limits"] == {
        "body_bytes": 64 * 2**20,
        "parts": 600,
        "frames": 512,
        "frame_bytes": 8 * 2**20,
        "frame_pixels": 16_800_000,
        "upload_pixels": 537_600_000,
        "clip_seconds": 120,
        "clip_frames": 5000,
        "clip_pixels": 9_500_000,
        "queue_tracklets": 64,
        "requests_per_second": 50,
        "header_seconds": 10,
        "body_idle_seconds": 15,
    }


def test_model_shows_the_manifest(client: TestClient, fake_bundle: Path) -> None:
    answer = client.get("/model").json()

    manifest = Manifest.load(fake_bundle)
    assert answer["model_id"] == manifest.model_id
    assert (answer["provider"], answer["precision"]) == ("cpu", "fp32")
    assert answer["manifest"] == manifest.model_dump(mode="json")


def write_calibration(folder: Path, model_id: str, **changes: object) -> None:
    calibration = make_calibration(model_id, data="gallery").model_dump(mode="json")
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / CALIBRATION).write_text(json.dumps(calibration | changes))


def test_a_calibration_gives_decisions_where_it_has_support(
    settings: Settings, make_client: MakeClient
) -> None:
    write_calibration(settings.gallery, Manifest.load(settings.model).model_id)
    client = make_client()
    client.post("/tracklets", files=form(1, identity="anna"))

    supported = client.post("/query", files=form(1, far="0.1")).json()
    unsupported = client.post("/query", files=form(1)).json()

    assert supported["results"][0]["match"] is True
    assert supported["results"][0]["probability"] > 0.9
    assert supported["gallery"]["expected_false_matches"] == pytest.approx(0.1)
    assert unsupported["results"][0]["match"] is None
    assert unsupported["gallery"]["expected_false_matches"] is None
    assert client.get("/status").json()["calibration"]["data"] == "gallery"
    assert client.get("/model").json()["calibration"]["prior"] == 0.01


def test_a_calibration_that_is_made_again_holds_at_once(
    settings: Settings, make_client: MakeClient
) -> None:
    model_id = Manifest.load(settings.model).model_id
    client = make_client()
    assert client.get("/model").json()["calibration"] is None

    write_calibration(settings.gallery, model_id)
    assert client.get("/model").json()["calibration"]["data"] == "gallery"

    rates = [{"far": 0.1, "threshold": 0.75, "impostor_pairs": 5, "realised": {}}]
    table = make_calibration(model_id).model_dump(mode="json")["tables"][0] | {"rates": rates}
    write_calibration(settings.gallery, model_id, tables=[table])
    assert client.get("/status").json()["calibration"]["rates"][0]["threshold"] == 0.75

    (settings.gallery / CALIBRATION).unlink()
    assert client.get("/status").json()["calibration"] is None


def test_a_calibration_of_another_model_is_not_used(
    settings: Settings, make_client: MakeClient
) -> None:
    write_calibration(settings.gallery, "0" * 16)

    assert make_client().get("/status").json()["calibration"] is None


@pytest.mark.parametrize("wrong", ["bytes", "model", "absent"])
def test_a_wrong_bundle_refuses_to_start(settings: Settings, tmp_path: Path, wrong: str) -> None:
    with open_parts(settings):
        pass
    bundle = tmp_path / "other"
    if wrong != "absent":
        make_bundle(bundle, seed=5 if wrong == "model" else 0)
    if wrong == "bytes":
        with (bundle / "model.onnx").open("ab") as file:
            file.write(b"\0")

    other = settings.model_copy(update={"model": bundle})
    with pytest.raises(SightlineError) as refused, TestClient(create_app(other), **LOCAL):
        pass

    assert refused.value.code == ("model_mismatch" if wrong == "model" else "bundle_invalid")


def test_without_keys_no_other_address_is_served(settings: Settings) -> None:
    with (
        pytest.raises(SightlineError, match="sightline keys create"),
        open_parts(settings.model_copy(update={"host": "0.0.0.0"})),
    ):
        pass


def test_expired_tracklets_are_erased(settings: Settings, make_client: MakeClient) -> None:
    client = make_client()
    client.post("/tracklets", files=form(1))
    assert client.get("/status").json()["gallery"]["tracklets"] == 1

    later = make_client(retention_days=1e-9, retention_interval=0.05)
    for _ in range(200):
        if later.get("/status").json()["gallery"]["tracklets"] == 0:
            break
    assert later.get("/status").json()["gallery"]["tracklets"] == 0
