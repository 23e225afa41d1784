"""Who may call what: every route of the application, with every kind of caller."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from indexer.gallery import open_gallery
from indexer.keys import ROLES, FileKeys
from model.bundle import Manifest
from model.errors import SightlineError
from service.app import create_app
from service.auth import COST_FIELD, ROLE_FIELD
from service.settings import Settings
from tests.service.conftest import LOCAL, MakeClient

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
    client = make_client(key_rate=1000, bad_key_seconds=0)
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


def test_with_keys_the_headers_do_not_matter(keys: dict[str, str], make_client: MakeClient) -> None:
    headers = {
        "authorization": f"Bearer {keys['query']}",
        "host": "reid.example",
        "x-forwarded-for": "10.0.0.1",
    }

    assert make_client().get("/status", headers=headers).status_code == 200


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_a_keys_file_counts_as_well(tmp_path: Path, make_client: MakeClient) -> None:
    path = tmp_path / "keys.json"
    _, key = FileKeys(path).create("replica", "query", None)
    client = make_client(keys_file=path)

    assert client.get("/status").status_code == 401
    assert client.get("/status", headers=bearer(key)).json()["role"] == "query"


def test_revoking_works_at_once_and_two_keys_of_one_name_go_side_by_side(
    tmp_path: Path, make_client: MakeClient
) -> None:
    keys = FileKeys(tmp_path / "keys.json")
    (old, old_text), (_, new_text) = (keys.create("desk", "query", None) for _ in range(2))
    client = make_client(keys_file=tmp_path / "keys.json")
    asked = [client.get("/status", headers=bearer(text)) for text in (old_text, new_text)]
    assert [answer.status_code for answer in asked] == [200, 200]

    keys.revoke(old.key_id)

    assert client.get("/status", headers=bearer(old_text)).json()["code"] == "key_invalid"
    assert client.get("/status", headers=bearer(new_text)).status_code == 200


def test_an_expired_key_is_refused(settings: Settings, make_client: MakeClient) -> None:
    make_keys(settings)
    client = make_client()
    store = client.app.state.parts.gallery.keys  # type: ignore[attr-defined]
    _, ended = store.create("desk", "admin", timedelta(0))

    assert client.get("/status", headers=bearer(ended)).json()["code"] == "key_invalid"


def break_it(path: Path, how: str) -> None:
    if how == "nonsense":
        path.write_text('{"keys": [{"id": ')
    elif how == "a folder":
        path.unlink()
        path.mkdir()
    else:
        path.unlink()


@pytest.mark.parametrize("how", ["nonsense", "gone", "a folder"])
def test_a_keys_file_that_breaks_lets_nobody_in_and_readiness_says_so(
    tmp_path: Path, make_client: MakeClient, how: str
) -> None:
    path = tmp_path / "the keys.json"
    keys = FileKeys(path)
    _, key = keys.create("replica", "query", None)
    client = make_client(keys_file=path)
    assert client.get("/readyz").status_code == 200

    break_it(path, how)
    refused = client.get("/status", headers=bearer(key))
    ready = client.get("/readyz", headers={"host": "reid.example"})

    for answer in (refused, ready):
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        assert "keys" in answer.json()["detail"]
        assert str(tmp_path) not in answer.text
        assert "the keys.json" not in answer.text
    assert client.get("/livez").status_code == 200


def test_a_service_whose_keys_file_is_missing_does_not_start_open(
    tmp_path: Path, settings: Settings
) -> None:
    missing = settings.model_copy(update={"keys_file": tmp_path / "no.json"})
    with pytest.raises(SightlineError, match=r"no\.json"), TestClient(create_app(missing), **LOCAL):
        pass

    assert not settings.gallery.exists()


def test_public_routes_hear_of_the_first_key_at_once(
    client: TestClient, settings: Settings
) -> None:
    foreign = {"host": "reid.example"}
    assert client.get("/livez", headers=foreign).json()["code"] == "host_not_allowed"

    make_keys(settings)

    assert client.get("/livez", headers=foreign).status_code == 200
