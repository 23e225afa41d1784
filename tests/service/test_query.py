"""`POST /query`: the main job, over HTTP."""

import base64

import pytest
from starlette.testclient import TestClient

from indexer.graph import Graph
from tests.service.conftest import MakeClient
from tests.service.helpers import form, frames, jpegs


@pytest.fixture
def enrolled(client: TestClient) -> TestClient:
    """Three people: two tracklets of the first in two cameras, an unlabelled third."""
    may = "2024-05-0{}T{}:00:00Z".format
    anna = {"identity": "anna"}
    rows = [
        (1, anna | {"tracklet_id": "a1", "camera": "c1", "captured_at": may(1, 10)}),
        (1, anna | {"tracklet_id": "a2", "camera": "c2", "captured_at": may(1, 11)}),
        (2, {"identity": "ben"} | {"tracklet_id": "b1", "camera": "c1", "captured_at": may(2, 10)}),
        (3, {"tracklet_id": "u1", "camera": "c2"}),
    ]
    for seed, fields in rows:
        assert client.post("/tracklets", files=form(seed, n=5, **fields)).status_code == 201
    return client


def test_the_same_person_comes_first(enrolled: TestClient) -> None:
    answer = enrolled.post("/query", files=form(1, n=7)).json()

    first = answer["results"][0]
    assert (first["rank"], first["identity"]) == (1, "anna")
    assert first["score"] > 0.99
    assert {found["tracklet_id"] for found in first["tracklets"]} == {"a1", "a2"}
    assert [result["rank"] for result in answer["results"]] == [1, 2, 3]
    assert {result["identity"] for result in answer["results"]} == {"anna", "ben", None}


def test_the_answer_has_the_promised_fields(enrolled: TestClient) -> None:
    answer = enrolled.post("/query", files=form(1, n=40)).json()

    assert set(answer) == {"query", "results", "gallery", "warnings", "model_id", "timing_ms"}
    assert set(answer["query"]) == {"frames", "temporal_attention", "effective_frames"}
    assert answer["query"]["frames"]["received"] == 40
    assert len(answer["query"]["frames"]["sampled"]) == 32
    assert sum(answer["query"]["temporal_attention"]) == pytest.approx(1, abs=1e-5)
    assert 1 <= answer["query"]["effective_frames"] <= 32.001
    assert set(answer["results"][0]) == {
        "rank",
        "identity",
        "score",
        "comparisons",
        "probability",
        "match",
        "false_match_rate",
        "tracklets",
    }
    assert set(answer["results"][0]["tracklets"][0]) == {
        "tracklet_id",
        "camera",
        "captured_at",
        "score",
        "temporal_attention",
        "frames",
    }
    assert answer["gallery"] == {
        "tracklets": 4,
        "identities": 2,
        "searched": 4,
        "exact": True,
        "scoring": {"camera_normalised": False, "rerank": False, "identity": "template"},
        "expected_false_matches": None,
    }
    assert set(answer["timing_ms"]) == {"decode", "queue", "embed", "search", "total"}


def test_without_a_calibration_there_are_no_decisions(enrolled: TestClient) -> None:
    result = enrolled.post("/query", files=form(1, far="0.01")).json()["results"][0]

    assert result["match"] is None
    assert result["probability"] is None


def test_an_empty_gallery_answers_with_no_results(client: TestClient) -> None:
    response = client.post("/query", files=form(1))

    assert response.status_code == 200
    assert response.json()["results"] == []
    assert response.json()["gallery"]["tracklets"] == 0


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"cameras": "c1"}, {"a1", "b1"}),
        ({"cameras": ["c1", "c2"]}, {"a1", "a2", "b1", "u1"}),
        ({"exclude_cameras": "c1"}, {"a2", "u1"}),
        ({"captured_after": "2024-05-01T11:00:00Z"}, {"a2", "b1"}),
        ({"captured_before": "2024-05-01T13:00:00+02:00"}, {"a1"}),
        ({"cameras": "nowhere"}, set()),
        ({"min_score": "0.999"}, {"a1", "a2"}),
    ],
)
def test_filters_are_exact(
    enrolled: TestClient, fields: dict[str, str], expected: set[str]
) -> None:
    answer = enrolled.post("/query", files=form(1, n=5, **fields)).json()

    found = {hit["tracklet_id"] for result in answer["results"] for hit in result["tracklets"]}
    assert found == expected


def test_top_k_counts_identities_and_the_lists_are_cut(enrolled: TestClient) -> None:
    answer = enrolled.post("/query", files=form(1, top_k=2, tracklets_per_identity=1)).json()

    assert len(answer["results"]) == 2
    assert [len(result["tracklets"]) for result in answer["results"]] == [1, 1]


def test_an_enrolled_tracklet_is_left_out_of_its_own_results(enrolled: TestClient) -> None:
    answer = enrolled.post("/query", files=form(tracklet_id="a1")).json()

    found = [hit["tracklet_id"] for result in answer["results"] for hit in result["tracklets"]]
    assert found[0] == "a2"
    assert "a1" not in found
    assert answer["query"]["frames"] == {"received": 5, "sampled": [0, 1, 2, 3, 4]}


def test_an_unknown_tracklet_is_not_found(client: TestClient) -> None:
    response = client.post("/query", files=form(tracklet_id="nobody"))

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_explain_adds_maps_and_pictures(enrolled: TestClient) -> None:
    query = enrolled.post("/query", files=form(1, n=3, explain=["spatial", "frames"])).json()[
        "query"
    ]

    assert [len(frame) for frame in query["spatial_attention"]] == [8, 8, 8]
    assert all(len(row) == 4 for frame in query["spatial_attention"] for row in frame)
    assert all(base64.b64decode(picture)[:2] == b"\xff\xd8" for picture in query["pictures"])
    assert len(query["pictures"]) == 3


def test_explain_embeds_kept_pictures_again(enrolled: TestClient) -> None:
    answer = enrolled.post("/query", files=form(tracklet_id="a1", explain=["spatial"])).json()

    assert len(answer["query"]["spatial_attention"]) == 5
    assert "pictures" not in answer["query"]
    assert answer["timing_ms"]["embed"] > 0


@pytest.mark.parametrize("explain", ["frames", "spatial"])
def test_reading_an_enrolled_tracklets_pictures_is_on_record(
    enrolled: TestClient, explain: str
) -> None:
    def entries() -> list[tuple[str, object]]:
        items = enrolled.get("/audit?limit=500").json()["items"]
        return [(item["actor"], item["details"]) for item in items if item["action"] == "picture"]

    enrolled.post("/query", files=form(tracklet_id="a1"))
    assert entries() == []

    enrolled.post("/query", files=form(tracklet_id="a1", explain=[explain]))

    assert entries() == [("loopback", {"pictures": 5})]


def test_explain_is_null_where_no_pictures_are_kept(make_client: MakeClient) -> None:
    client = make_client(keep_pictures=False)
    client.post("/tracklets", files=form(1, tracklet_id="a1"))

    query = client.post(
        "/query", files=form(tracklet_id="a1", explain=["spatial", "frames"])
    ).json()["query"]

    assert query["spatial_attention"] is None
    assert query["pictures"] is None


def test_reranking_says_that_it_was_applied(enrolled: TestClient) -> None:
    response = enrolled.post("/query", files=form(1, rerank="true"))

    assert response.status_code == 200
    assert response.json()["gallery"]["scoring"]["rerank"] is True


def test_reranking_is_refused_while_the_graph_is_built(
    enrolled: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrolled.app.state.parts.gallery._searches, "_most_pairs", 0)
    monkeypatch.setattr(Graph, "work", lambda *_: True)
    response = enrolled.post("/query", files=form(1, rerank="true"))

    assert (response.status_code, response.json()["code"]) == (422, "rerank_unavailable")


def test_wide_frames_look_uncropped(client: TestClient) -> None:
    wide = frames(jpegs(1, 3, size=(32, 64)))
    assert client.post("/query", files=wide).json()["warnings"] == ["looks_uncropped"]
    assert client.post("/tracklets", files=wide).json()["warnings"] == ["looks_uncropped"]
    assert client.post("/query", files=form(1)).json()["warnings"] == []
