"""Identities, cameras, merges and the audit log."""

import pytest
from starlette.testclient import TestClient

from tests.service.helpers import form


@pytest.fixture
def enrolled(client: TestClient) -> TestClient:
    rows = [
        ("a2", "anna", "c2", "2024-05-01T11:00:00Z"),
        ("a1", "anna", "c1", "2024-05-01T10:00:00Z"),
        ("a3", "anna", "c1", ""),
        ("b1", "ben", "c1", "2024-05-02T10:00:00Z"),
    ]
    for seed, (tracklet_id, identity, camera, captured_at) in enumerate(rows):
        fields = {"identity": identity, "camera": camera, "captured_at": captured_at}
        client.post("/tracklets", files=form(seed, n=2, tracklet_id=tracklet_id, **fields))
    return client


def test_identities_are_listed_by_name(enrolled: TestClient) -> None:
    page = enrolled.get("/identities").json()

    assert page["next_cursor"] is None
    assert page["items"][0] == {
        "identity": "anna",
        "tracklets": 3,
        "cameras": ["c1", "c2"],
        "first_seen": "2024-05-01T10:00:00Z",
        "last_seen": "2024-05-01T11:00:00Z",
    }
    assert [item["identity"] for item in page["items"]] == ["anna", "ben"]
    assert len(enrolled.get("/identities?prefix=b").json()["items"]) == 1


def test_an_identity_shows_its_path_in_time_order(enrolled: TestClient) -> None:
    answer = enrolled.get("/identities/anna?limit=2").json()
    rest = enrolled.get(f"/identities/anna?limit=2&cursor={answer['next_cursor']}").json()

    assert answer["tracklets"] == 3
    assert [item["tracklet_id"] for item in answer["items"]] == ["a1", "a2"]
    assert [item["tracklet_id"] for item in rest["items"]] == ["a3"]
    assert rest["next_cursor"] is None
    assert enrolled.get("/identities/nobody").json()["code"] == "not_found"


def test_a_merge_moves_and_its_undo_puts_back(enrolled: TestClient) -> None:
    merged = enrolled.post("/identities/anna/merge", json={"into": "ben"})

    assert merged.status_code == 200
    assert merged.json()["moved"] == 3
    assert enrolled.get("/identities/ben").json()["tracklets"] == 4

    enrolled.patch("/tracklets/a3", json={"identity": "carl"})
    undone = enrolled.post(f"/merges/{merged.json()['merge_id']}/undo")
    assert undone.json()["moved"] == 2
    assert enrolled.get("/identities/anna").json()["tracklets"] == 2
    assert enrolled.get("/identities/carl").json()["tracklets"] == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [({"into": "anna"}, 422), ({"into": ""}, 422), ({"into": 5}, 422), ({}, 422), ([], 422)],
)
def test_bad_merges_are_refused(enrolled: TestClient, body: object, status: int) -> None:
    assert enrolled.post("/identities/anna/merge", json=body).status_code == status
    assert enrolled.post("/identities/nobody/merge", json={"into": "ben"}).status_code == 404
    assert enrolled.post("/merges/nothing/undo").status_code == 404


def test_an_erased_identity_is_gone(enrolled: TestClient) -> None:
    answer = enrolled.delete("/identities/anna").json()

    assert answer["erased_tracklets"] == 3
    assert answer["receipt"]["physical"] == "done"
    assert enrolled.get("/identities/anna").status_code == 404
    assert enrolled.get("/status").json()["gallery"]["tracklets"] == 1


def test_cameras_tell_counts_and_times(enrolled: TestClient) -> None:
    cameras = enrolled.get("/cameras").json()["items"]

    assert [(camera["camera"], camera["tracklets"]) for camera in cameras] == [("c1", 3), ("c2", 1)]
    assert cameras[0]["first_seen"] == "2024-05-01T10:00:00Z"


def test_the_audit_log_knows_who_did_what_but_not_to_whom(enrolled: TestClient) -> None:
    enrolled.post("/query", files=form(0, n=2))
    enrolled.get("/tracklets/a1/frames/0")
    enrolled.delete("/identities/anna")

    response = enrolled.get("/audit?limit=500")

    assert len(response.json()["items"]) >= 6  # four enrolments, a search, a view, an erasure
    assert {item["actor"] for item in response.json()["items"]} == {"loopback"}
    assert "anna" not in response.text
    assert '"a1"' not in response.text
