"""`/tracklets`: enrolled, listed, changed, erased."""

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from indexer.archive.job import IndexJob, index_archive
from indexer.archive.tracks import read_mot
from service.settings import Settings
from tests.service.conftest import MakeClient
from tests.service.helpers import form, frames, jpegs
from tests.support.archives import write_mot, write_tracklets
from tests.support.galleries import holds

FIELDS = {
    "tracklet_id",
    "identity",
    "camera",
    "captured_at",
    "captured_until",
    "attributes",
    "frames",
    "temporal_attention",
    "effective_frames",
    "model_id",
    "created_at",
}


def code_of(response: object) -> tuple[int, str]:
    return response.status_code, response.json()["code"]  # type: ignore[attr-defined]


def test_enrolment_answers_with_the_tracklet(client: TestClient) -> None:
    response = client.post(
        "/tracklets",
        files=form(
            1,
            n=40,
            identity="  Zoe\u0308 ",
            camera="c1",
            captured_at="2024-05-01T12:00:00+02:00",
            captured_until="2024-05-01T10:00:09.5Z",
            attributes='{"track": 7}',
        ),
    )

    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    tracklet = response.json()
    assert set(tracklet) == FIELDS | {"warnings"}
    assert tracklet["identity"] == "Zoë"
    assert tracklet["captured_at"] == "2024-05-01T10:00:00Z"
    assert tracklet["attributes"] == {"track": 7}
    assert tracklet["frames"]["received"] == 40
    assert sum(tracklet["temporal_attention"]) == pytest.approx(1, abs=1e-3)
    found = client.get(f"/tracklets/{tracklet['tracklet_id']}").json()
    assert set(found) == FIELDS
    assert found == {name: tracklet[name] for name in FIELDS}


def test_enrolment_is_idempotent(client: TestClient) -> None:
    first = client.post("/tracklets", files=form(1, tracklet_id="a1", camera="c1"))
    again = client.post("/tracklets", files=form(1, tracklet_id="a1", camera="c2"))
    other = client.post("/tracklets", files=form(2, tracklet_id="a1"))

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["camera"] == "c1"  # the stored one; metadata does not count
    assert code_of(other) == (409, "tracklet_exists")


def test_files_cut_elsewhere_are_other_content(client: TestClient) -> None:
    first, second = jpegs(1, 2)
    client.post("/tracklets", files=[*form(tracklet_id="a1"), *frames([first, second])])

    joined = client.post("/tracklets", files=[*form(tracklet_id="a1"), *frames([first + second])])

    assert code_of(joined) == (409, "tracklet_exists")


def test_what_an_archive_brought_is_the_same_content_over_http(
    tmp_path: Path, settings: Settings, make_client: MakeClient
) -> None:
    crops = write_tracklets(tmp_path / "crops", {"c/t": 1})
    video = write_mot(tmp_path / "video", "door", [1], frames=9)
    for archive in (crops, video):
        index_archive(IndexJob(archive, "auto", settings))
    (track,) = read_mot(video / "door.txt").tracks
    parts = {
        "crops": frames([file.read_bytes() for file in sorted((crops / "c" / "t").iterdir())]),
        "video": [
            ("boxes", (None, track.as_json())),
            ("clip", ("door.mp4", (video / "door.mp4").read_bytes())),
        ],
    }
    client = make_client()
    stored = [item["tracklet_id"] for item in client.get("/tracklets").json()["items"]]

    again = [
        client.post("/tracklets", files=[*form(tracklet_id=one), *parts[one.partition(":")[0]]])
        for one in stored
    ]

    assert [response.status_code for response in again] == [200, 200]


def test_an_id_is_made_where_none_is_given(client: TestClient) -> None:
    first, second = (client.post("/tracklets", files=form(1)).json() for _ in range(2))

    assert first["tracklet_id"] != second["tracklet_id"]
    assert first["tracklet_id"][14] == "7"  # UUIDv7


def test_listing_pages_and_filters(client: TestClient) -> None:
    for place in range(5):
        fields = {"camera": f"c{place % 2}", "identity": "anna" if place < 3 else ""}
        client.post("/tracklets", files=form(place, tracklet_id=f"t{place}", **fields))

    found: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get("/tracklets", params=query).json()
        found += [item["tracklet_id"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert found == ["t0", "t1", "t2", "t3", "t4"]
    assert len(client.get("/tracklets?camera=c1").json()["items"]) == 2
    assert len(client.get("/tracklets?identity=anna").json()["items"]) == 3
    assert client.get("/tracklets?captured_after=2020-01-01T00:00:00Z").json()["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=nonsense",
        "cursor=!!!",
        "captured_after=yesterday",
        "captured_after=2024-05-01T10:00:00",
        "camera=a/b",
        "surprise=1",
    ],
)
def test_bad_listing_parameters_are_refused_without_an_echo(client: TestClient, query: str) -> None:
    response = client.get(f"/tracklets?{query}")

    assert code_of(response) == (422, "invalid_parameter")
    assert response.headers["content-type"] == "application/problem+json"
    name, _, value = query.partition("=")
    assert len(value) < 3 or value not in response.text
    assert name != "surprise" or name not in response.text


def test_an_unknown_parameter_is_not_looked_for_in_the_body(client: TestClient) -> None:
    told = client.get("/tracklets?surprise=1").json()["detail"]

    assert told == "the query string has a parameter that is not known here"


def test_a_patch_cannot_end_a_tracklet_before_it_begins(client: TestClient) -> None:
    client.post("/tracklets", files=form(1, tracklet_id="a1", captured_at="2024-05-01T10:00:00Z"))

    refused = client.patch("/tracklets/a1", json={"captured_until": "2024-05-01T09:00:00Z"})

    assert refused.status_code == 422
    assert refused.json()["code"] == "invalid_parameter"
    assert client.get("/tracklets/a1").json()["captured_until"] is None


def test_a_patch_changes_what_it_names_and_null_clears(client: TestClient) -> None:
    client.post("/tracklets", files=form(1, tracklet_id="a1", identity="anna", camera="c1"))

    changed = client.patch(
        "/tracklets/a1",
        json={"identity": None, "captured_at": "2024-05-01T10:00:00Z", "attributes": {"x": [1]}},
    )

    assert changed.status_code == 200
    assert changed.json()["identity"] is None
    assert changed.json()["camera"] == "c1"
    assert changed.json()["captured_at"] == "2024-05-01T10:00:00Z"
    assert changed.json()["attributes"] == {"x": [1]}
    assert client.get("/tracklets/a1").json() == changed.json()


@pytest.mark.parametrize("name", ["identity", "camera", "captured_at", "captured_until"])
@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_text_clears_as_null_does(client: TestClient, name: str, empty: str) -> None:
    fields = {"identity": "anna", "camera": "c1", "captured_at": "2024-05-01T10:00:00Z"}
    until = {"captured_until": "2024-05-01T10:00:09Z"}
    client.post("/tracklets", files=form(1, tracklet_id="a1", **fields, **until))

    changed = client.patch("/tracklets/a1", json={name: empty})

    assert changed.status_code == 200
    cleared = {field for field in (*fields, *until) if changed.json()[field] is None}
    assert cleared == {name}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"identity": 5}', (422, "invalid_parameter")),
        (b'{"tracklet_id": "x"}', (422, "invalid_parameter")),
        (b'{"attributes": [1]}', (422, "invalid_parameter")),
        (b'{"attributes": "{}"}', (422, "invalid_parameter")),
        (b'{"attributes": ""}', (422, "invalid_parameter")),
        (b'{"attributes": {"x": NaN}}', (400, "malformed_body")),
        (b'{"attributes": {"x": 1e400}}', (400, "malformed_body")),
        (b'{"identity": "\\ud800"}', (400, "malformed_body")),
        (b'{"identity": "a\\u0000b"}', (422, "invalid_parameter")),
        (b'{"captured_at": 5}', (422, "invalid_parameter")),
        (b'{"captured_at": "2024-05-01"}', (422, "invalid_parameter")),
        (b"[" * 100_000, (413, "body_too_large")),
        (b'{"attributes": ' + b'{"x":' * 200 + b"1" + b"}" * 201, (400, "malformed_body")),
        (b"[" * 60_000, (400, "malformed_body")),
        (b"\xff", (400, "malformed_body")),
        (b"", (400, "malformed_body")),
        (b"[]", (422, "invalid_parameter")),
        (
            json.dumps(
                {"captured_at": "2024-05-01T10:00:00Z", "captured_until": "2024-05-01T09:00:00Z"}
            ).encode(),
            (422, "invalid_parameter"),
        ),
        (json.dumps({"attributes": {"x": "y" * 4096}}).encode(), (422, "invalid_parameter")),
    ],
)
def test_bad_patches_are_refused(
    client: TestClient, body: bytes, expected: tuple[int, str]
) -> None:
    client.post("/tracklets", files=form(1, tracklet_id="a1", identity="anna"))

    response = client.patch(
        "/tracklets/a1", content=body, headers={"content-type": "application/json"}
    )

    assert code_of(response) == expected
    assert client.get("/tracklets/a1").json()["identity"] == "anna"


def test_a_patch_must_be_json_and_its_tracklet_must_be_there(client: TestClient) -> None:
    text = client.patch("/tracklets/a1", content=b"{}", headers={"content-type": "text/plain"})
    missing = client.patch("/tracklets/a1", json={"identity": "anna"})

    assert code_of(text) == (415, "unsupported_media_type")
    assert code_of(missing) == (404, "not_found")


def test_an_erased_tracklet_is_gone_and_its_id_is_free(client: TestClient) -> None:
    client.post("/tracklets", files=form(1, tracklet_id="anna-1"))

    erased = client.delete("/tracklets/anna-1")

    assert (erased.status_code, erased.content) == (204, b"")
    receipt = json.loads(erased.headers["sightline-receipt"])
    assert (receipt["tracklets"], receipt["physical"]) == (1, "done")
    assert "anna-1" not in receipt["subject_hash"]
    assert code_of(client.get("/tracklets/anna-1")) == (404, "not_found")
    assert code_of(client.get("/tracklets/anna-1/frames/0")) == (404, "not_found")
    assert client.post("/query", files=form(1)).json()["results"] == []
    assert client.post("/tracklets", files=form(2, tracklet_id="anna-1")).status_code == 201


def test_frames_are_served_as_pictures(client: TestClient) -> None:
    client.post("/tracklets", files=form(1, n=3, tracklet_id="a1"))

    picture = client.get("/tracklets/a1/frames/2")

    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.headers["cache-control"] == "no-store"
    assert picture.headers["x-content-type-options"] == "nosniff"
    assert picture.content[:2] == b"\xff\xd8"
    assert code_of(client.get("/tracklets/a1/frames/3")) == (404, "not_found")
    assert code_of(client.get("/tracklets/a1/frames/-1")) == (422, "invalid_parameter")
    assert code_of(client.get("/tracklets/a1/frames/x")) == (422, "invalid_parameter")


def test_an_upload_itself_is_neither_stored_nor_served(
    client: TestClient, settings: Settings
) -> None:
    hidden = b"<script>alert(1)</script> and whatever else is no picture"
    pictures = [picture + hidden for picture in jpegs(1, 3)]

    assert client.post("/tracklets", files=[*form(tracklet_id="t"), *frames(pictures)]).is_success

    for place in range(3):
        assert hidden not in client.get(f"/tracklets/t/frames/{place}").content
    assert holds(settings.gallery, hidden) == []


def test_pictures_need_not_be_kept(make_client: MakeClient) -> None:
    client = make_client(keep_pictures=False)
    client.post("/tracklets", files=form(1, tracklet_id="a1"))

    assert code_of(client.get("/tracklets/a1/frames/0")) == (404, "not_found")


@pytest.mark.parametrize("tracklet_id", ["-a", "a b", "ä", "a" * 129, "a%00b"])
def test_ids_follow_their_rule_everywhere(client: TestClient, tracklet_id: str) -> None:
    posted = client.post("/tracklets", files=form(1, tracklet_id=tracklet_id))

    assert code_of(posted) == (422, "invalid_parameter")
    assert code_of(client.get(f"/tracklets/{tracklet_id}")) == (422, "invalid_parameter")
    assert client.get("/status").json()["gallery"]["tracklets"] == 0
