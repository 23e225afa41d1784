"""The query string: what an operation does not declare is refused, never passed over."""

from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from tests.service.helpers import form


def code_of(response: object) -> tuple[int, str]:
    return response.status_code, response.json()["code"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/query"),
        ("POST", "/tracklets"),
        ("GET", "/tracklets/a1"),
        ("GET", "/tracklets/a1/frames/0"),
        ("DELETE", "/tracklets/a1"),
        ("PATCH", "/tracklets/a1"),
        ("GET", "/identities/anna"),
        ("POST", "/identities/anna/merge"),
        ("DELETE", "/identities/anna"),
        ("GET", "/cameras"),
        ("GET", "/model"),
        ("GET", "/status"),
        ("GET", "/audit"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/readyz"),
    ],
)
def test_a_name_that_is_not_declared_is_refused(client: TestClient, method: str, path: str) -> None:
    client.post("/tracklets", files=form(1, tracklet_id="a1", identity="anna"))
    body = {"files": form(1)} if path in {"/query", "/tracklets"} else {}

    for text in ("exclude_cameras=c1", "exclude_cameras", "exclude_cameras="):
        response = client.request(method, f"{path}?{text}", **body)  # type: ignore[arg-type]
        assert code_of(response) == (422, "invalid_parameter")
        told = response.json()["detail"]
        assert told == "the query string has a parameter that is not known here"

    assert client.get("/tracklets/a1").status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        "camera=c1&camera=c2",
        "limit=1&limit=500",
        "cursor=x&cursor=y",
        "camera=c1&camera=",
        "camera=c1&c%61mera=c2",
    ],
)
def test_a_single_value_that_is_repeated_is_refused(client: TestClient, text: str) -> None:
    response = client.get(f"/tracklets?{text}")

    assert code_of(response) == (422, "invalid_parameter")
    assert response.json()["detail"].endswith("may stand in the query string once")


def test_what_is_declared_passes_whatever_its_value(client: TestClient) -> None:
    assert client.get(f"/tracklets?camera={quote('a&b=c;d')}&limit=5").status_code == 200
    assert client.get("/tracklets?").status_code == 200
    assert client.get("/identities?prefix=").status_code == 200


def test_keys_are_asked_for_first(client: TestClient) -> None:
    client.app.state.parts.gallery.keys.create("someone", "query", None)  # type: ignore[attr-defined]

    assert code_of(client.get("/status?surprise=1")) == (401, "key_missing")
