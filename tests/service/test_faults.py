"""When a part of the service fails: the right answer, nothing stored, and the service goes on."""

import errno
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from starlette.testclient import TestClient

from model.errors import DeviceLost, ErasePending, ModelFailure, ModelOutputInvalid, StorageFull
from model.runtime import OnnxEmbedder, TrackletEmbedding
from model.session import Outputs
from service.parts import Parts
from tests.service.conftest import MakeClient
from tests.service.helpers import Part, form
from tests.support.fake_bundle import person
from tests.support.rooms import files_at_most

Embed = Callable[[Sequence[NDArray[np.uint8]]], list[TrackletEmbedding | ModelFailure]]


class NanSession:
    """A session whose embeddings are not finite."""

    provider = "cpu"

    def __init__(self, real: Any) -> None:
        self._real = real

    def run(self, frames: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Outputs:
        outputs: Outputs = self._real.run(frames, mask)
        outputs.embedding[:] = np.nan
        return outputs


def parts_of(client: TestClient) -> Parts:
    parts: Parts = client.app.state.parts  # type: ignore[attr-defined]
    return parts


def test_nan_from_the_model_is_refused_and_not_stored(client: TestClient) -> None:
    embedder = parts_of(client).embedder
    assert isinstance(embedder, OnnxEmbedder)
    real, embedder.session = embedder.session, NanSession(embedder.session)

    for path in ("/tracklets", "/query"):
        response = client.post(path, files=form(1))
        assert (response.status_code, response.json()["code"]) == (500, "model_output_invalid")

    embedder.session = real
    assert client.get("/status").json()["gallery"]["tracklets"] == 0
    assert client.post("/tracklets", files=form(1)).status_code == 201


def test_a_lost_device_makes_the_service_not_ready(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_: object, __: object) -> list[TrackletEmbedding | ModelFailure]:
        raise DeviceLost("the device fell off the bus")

    monkeypatch.setattr(OnnxEmbedder, "embed", lost)

    work = client.post("/query", files=form(1))
    ready = client.get("/readyz")

    assert (work.status_code, work.json()["code"]) == (503, "not_ready")
    assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
    assert parts_of(client).batcher.device_lost


def test_a_lost_index_device_counts_as_well(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise DeviceLost("the index's device fell off the bus")

    monkeypatch.setattr(parts_of(client).gallery, "search", lost)

    assert client.post("/query", files=form(1)).status_code == 503
    assert "fell off" in client.get("/readyz").json()["detail"]


@pytest.mark.parametrize(
    ("method", "error", "status"),
    [
        ("erase", ErasePending("some bytes are still there"), 503),
        ("erase", StorageFull("no room"), 507),
        ("enrol", StorageFull("no room"), 507),
        ("enrol", ModelOutputInvalid("no embedding"), 500),
        ("enrol", RuntimeError("a bug, with details that are nobody's business"), 500),
    ],
)
def test_failures_of_the_gallery_become_problems(
    client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    error: Exception,
    status: int,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(parts_of(client).gallery, method, fail)
    call = {
        "erase": lambda: client.delete("/tracklets/a1"),
        "enrol": lambda: client.post("/tracklets", files=form(1)),
    }[method]

    response = call()

    assert response.status_code == status
    assert response.json()["code"] == getattr(error, "code", "internal")
    assert response.headers["content-type"] == "application/problem+json"
    assert "business" not in response.text
    assert response.headers["x-request-id"]


def test_a_request_id_is_taken_over_only_where_it_is_harmless(client: TestClient) -> None:
    good = client.get("/livez", headers={"x-request-id": "abc-1"})
    bad = client.get("/livez", headers={"x-request-id": 'a"} {"event": "x'})

    assert good.headers["x-request-id"] == "abc-1"
    assert len(bad.headers["x-request-id"]) == 16


@pytest.fixture
def clip(tmp_path: Path) -> bytes:
    """Ten frames of a person in the left half of a wider picture."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (128, 128))
    for frame in person(1, 10, size=(128, 64)):
        picture = np.zeros((128, 128, 3), dtype=np.uint8)
        picture[:, :64] = frame[:, :, ::-1]
        writer.write(picture)
    writer.release()
    return path.read_bytes()


def test_a_clip_for_which_there_is_no_room_is_told_so_and_leaves_nothing(
    client: TestClient, clip: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spool))
    parts: list[Part] = [("clip", ("c.avi", clip, "video/avi"))]

    with files_at_most(len(clip) // 2):
        answer = client.post("/query", files=parts)

    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    assert list(spool.iterdir()) == []
    assert client.post("/query", files=parts).status_code == 200


def test_a_clip_that_may_not_even_begin_is_told_so(
    client: TestClient, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)

    answer = client.post("/query", files=[("clip", ("c.avi", clip, "video/avi"))])

    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")


def test_a_clip_is_cropped_by_its_boxes_and_not_kept(
    make_client: MakeClient, clip: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spool))
    client = make_client()
    client.post("/tracklets", files=form(1, identity="anna"))
    boxes = str([[place, 0, 0, 64, 128] for place in range(10)])
    parts: list[Part] = [("clip", ("c.avi", clip, "video/avi")), ("boxes", (None, boxes))]

    answer = client.post("/query", files=parts).json()
    broken = client.post("/query", files=[("clip", ("c.avi", clip[:300]))])

    assert answer["query"]["frames"] == {"received": 10, "sampled": list(range(10))}
    assert answer["results"][0]["score"] > 0.95
    assert (broken.status_code, broken.json()["code"]) == (422, "undecodable_clip")
    assert list(spool.iterdir()) == []
