"""Methods and paths: HEAD, Allow, encoded slashes, two hosts."""

import pytest
from starlette.testclient import TestClient

from tests.service.helpers import form


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/status", "/cameras", "/metrics", "/model"])
def test_head_answers_as_get_without_a_body(client: TestClient, path: str) -> None:
    got, head = client.get(path), client.head(path)

    assert (got.status_code, head.status_code) == (200, 200)
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]


def test_head_needs_what_get_needs(client: TestClient) -> None:
    assert client.head("/tracklets/nobody").status_code == 404
    assert client.head("/query").status_code == 405
    client.app.state.parts.gallery.keys.create("someone", "query", None)  # type: ignore[attr-defined]
    assert client.head("/status").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/tracklets", "GET, HEAD, POST"),
        ("PUT", "/tracklets/a1", "DELETE, GET, HEAD, PATCH"),
        ("POST", "/tracklets/a1", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/query", "POST"),
        ("PUT", "/identities/anna", "DELETE, GET, HEAD"),
        ("GET", "/identities/anna/merge", "POST"),
        ("POST", "/livez", "GET, HEAD"),
        ("OPTIONS", "/readyz", "GET, HEAD"),
    ],
)
def test_allow_lists_every_method_of_a_path(
    client: TestClient, method: str, path: str, allowed: str
) -> None:
    response = client.request(method, path)

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/identities/a%2Fb"),
        ("GET", "/identities/a%2fb"),
        ("GET", "/identities/%2F"),
        ("GET", "/identities/..%2Fb"),
        ("DELETE", "/identities/a%2Fb"),
        ("GET", "/tracklets/a%2Fb"),
        ("GET", "/tracklets/a%2Fframes%2F0"),
        ("PATCH", "/tracklets/a%2Fb"),
        ("GET", "/tracklets/a1/frames/0%2F1"),
    ],
)
def test_an_encoded_slash_belongs_to_its_name_and_is_refused(
    client: TestClient, method: str, path: str
) -> None:
    client.post("/tracklets", files=form(1, tracklet_id="a1", identity="b"))
    body = {"json": {}} if method == "PATCH" else {}

    response = client.request(method, path, **body)  # type: ignore[arg-type]

    assert (response.status_code, response.json()["code"]) == (422, "invalid_parameter")
    assert client.get("/tracklets/a1").status_code == 200


def test_a_merge_into_nowhere_is_refused_by_the_name(client: TestClient) -> None:
    response = client.post("/identities/a%2Fb/merge", json={"into": "c"})

    assert (response.status_code, response.json()["code"]) == (422, "invalid_parameter")


def test_a_request_for_two_hosts_is_no_request(client: TestClient) -> None:
    two = [("host", "127.0.0.1:8000"), ("host", "127.0.0.1:8000")]

    for path in ("/status", "/livez", "/nothing"):
        response = client.get(path, headers=two)
        assert (response.status_code, response.json()["code"]) == (400, "malformed_body")
