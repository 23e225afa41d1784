"""Who may call what: every route of the application, with every kind of caller."""

import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from indexer.gallery import open_gallery
from indexer.keys import ROLES, FileKeys
from model.bundle import Manifest
from service.app import create_app
from service.auth import COST_FIELD, ROLE_FIELD
from service.settings import Settings
from tests.service.conftest import LOCAL, MakeClient
from tests.service.helpers import form

# What the contract says, written down once more: a route that is not here fails the test.
CONTRACT = {
    "POST /tracklets": "enrol",
    "GET /tracklets": "query",
    "GET /tracklets/{}": "query",
    "PATCH /tracklets/{}": "enrol",
    "DELETE /tracklets/{}": "admin",
    "GET /tracklets/{}/frames/{}": "query",
    "POST /query": "query",
    "GET /identities": "query",
    "GET /identities/{}": "query",
    "POST /identities/{}/merge": "enrol",
    "POST /merges/{}/undo": "enrol",
    "DELETE /identities/{}": "admin",
    "GET /cameras": "query",
    "GET /model": "query",
    "GET /status": "query",
    "GET /audit": "admin",
    "GET /metrics": "query",
    "GET /openapi.json": "query",
    "GET /livez": "none",
    "GET /readyz": "none",
    "GET /": "none",
    "GET /assets/{}": "none",
}


def routes(client: TestClient) -> dict[str, APIRoute]:
    found = {}
    for route in client.app.routes:  # type: ignore[attr-defined]
        assert isinstance(route, APIRoute)
        for method in route.methods:
            found[f"{method} {re.sub('{.*?}', '{}', route.path)}"] = route
    return found


def make_keys(settings: Settings) -> dict[str, str]:
    """One key of each role in the gallery's own store."""
    manifest = Manifest.load(settings.model)
    gallery = open_gallery(
        settings.gallery, model_id=manifest.model_id, width=manifest.embedding_width, create=True
    )
    try:
        return {role: gallery.keys.create(f"the {role} key", role, None)[1] for role in ROLES}
    finally:
        gallery.close()


@pytest.fixture
def keys(settings: Settings) -> dict[str, str]:
    return make_keys(settings)


def call(client: TestClient, name: str, key: str | None) -> tuple[int, str | None]:
    method, path = name.split(" ")
    headers = {"authorization": f"Bearer {key}"} if key is not None else {}
    response = client.request(method, path.replace("{}", "0"), headers=headers)
    is_problem = response.headers.get("content-type") == "application/problem+json"
    return response.status_code, response.json()["code"] if is_problem else None


def test_every_route_states_the_role_of_the_contract(client: TestClient) -> None:
    stated = {
        name: (route.openapi_extra or {})[ROLE_FIELD] for name, route in routes(client).items()
    }

    assert stated == CONTRACT


def test_the_role_matrix(keys: dict[str, str], make_client: MakeClient) -> None:
    client = make_client(key_rate=1000)
    for name, needed in CONTRACT.items():
        if needed == "none":
            assert call(client, name, None)[0] in {200, 404}, name
            continue
        assert call(client, name, None) == (401, "key_missing"), name
        assert call(client, name, "nonsense") == (401, "key_invalid"), name
        for rank, role in enumerate(ROLES):
            status, code = call(client, name, keys[role])
            allowed = rank >= ROLES.index(needed)
            assert (code == "role_too_low") != allowed, (name, role)
            assert (status == 403) != allowed, (name, role)
            assert status < 500, (name, role)


def test_the_caller_learns_its_role(keys: dict[str, str], make_client: MakeClient) -> None:
    client = make_client()
    for role, key in keys.items():
        answer = client.get("/status", headers={"authorization": f"Bearer {key}"}).json()
        assert answer["role"] == role


def test_a_key_stops_the_loopback_caller_at_once(client: TestClient, settings: Settings) -> None:
    assert client.get("/status").json()["role"] == "admin"
    make_keys(settings)
    assert client.get("/status").status_code == 401


def test_a_refused_key_never_stands_in_the_answer(
    keys: dict[str, str], make_client: MakeClient
) -> None:
    response = make_client().get("/status", headers={"authorization": "Bearer top-secret-key"})

    assert "top-secret-key" not in response.text
    assert response.headers["www-authenticate"] == "Bearer"


def test_the_rate_of_a_key_is_limited(keys: dict[str, str], make_client: MakeClient) -> None:
    client = make_client(key_rate=2)
    answers = [
        client.get("/cameras", headers={"authorization": f"Bearer {keys['query']}"})
        for _ in range(5)
    ]

    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 2
    assert refused[0].json()["code"] == "rate_limited"
    assert int(refused[0].headers["retry-after"]) >= 1
    other = client.get("/cameras", headers={"authorization": f"Bearer {keys['enrol']}"})
    assert other.status_code == 200


def test_a_picture_costs_a_thirtysecond_of_a_request(client: TestClient) -> None:
    route = routes(client)["GET /tracklets/{}/frames/{}"]

    assert (route.openapi_extra or {})[COST_FIELD] == 1 / 32


def test_keyless_callers_have_no_rate(make_client: MakeClient) -> None:
    client = make_client(key_rate=1)

    assert {client.get("/cameras").status_code for _ in range(5)} == {200}


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example:8000"},
        {"host": "192.168.0.1"},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:3000"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"x-forwarded-for": "10.0.0.1"},
        {"x-forwarded-host": "127.0.0.1"},
        {"x-forwarded-proto": "https"},
        {"x-real-ip": "127.0.0.1"},
        {"forwarded": "for=127.0.0.1"},
    ],
)
def test_without_keys_only_this_machine_itself_may_call(
    client: TestClient, headers: dict[str, str]
) -> None:
    for response in (
        client.get("/status", headers=headers),
        client.post("/tracklets", files=form(1), headers=headers),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "host_not_allowed")


def test_without_keys_the_own_page_may_call(client: TestClient) -> None:
    for headers in (
        {"host": "localhost:8000"},
        {"host": "[::1]:8000"},
        {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ):
        assert client.get("/status", headers=headers).status_code == 200


def test_without_keys_another_machine_is_refused(settings: Settings) -> None:
    remote = LOCAL | {"client": ("10.0.0.7", 5000)}
    with TestClient(create_app(settings), **remote) as client:
        assert client.get("/status").json()["code"] == "host_not_allowed"


def test_with_keys_the_headers_do_not_matter(keys: dict[str, str], make_client: MakeClient) -> None:
    headers = {
        "authorization": f"Bearer {keys['query']}",
        "host": "reid.example",
        "x-forwarded-for": "10.0.0.1",
    }

    assert make_client().get("/status", headers=headers).status_code == 200


def test_a_keys_file_counts_as_well(tmp_path: Path, make_client: MakeClient) -> None:
    path = tmp_path / "keys.json"
    _, key = FileKeys(path).create("replica", "query", None)
    client = make_client(keys_file=path)

    assert client.get("/status").status_code == 401
    headers = {"authorization": f"Bearer {key}"}
    assert client.get("/status", headers=headers).json()["role"] == "query"
