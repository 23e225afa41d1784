"""`/openapi.json` describes all that the service does, and only that."""

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from model.errors import SightlineError

METHODS = {"get", "post", "patch", "delete", "put"}


@pytest.fixture
def document(client: TestClient) -> Any:
    response = client.get("/openapi.json")
    assert response.status_code == 200
    return response.json()


def operations(document: Any) -> list[tuple[str, Any]]:
    return [
        (f"{method} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for item in value.values() for ref in references(item)]
    if isinstance(value, list):
        return [ref for item in value for ref in references(item)]
    return []


def test_it_is_openapi_with_the_key_scheme(document: Any) -> None:
    assert document["openapi"].startswith("3.")
    assert document["info"]["title"] == "Sightline"
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_every_reference_leads_somewhere(document: Any) -> None:
    for reference in references(document):
        target = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


def test_operation_ids_are_unique(document: Any) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]

    assert len(ids) == len(set(ids))


def test_every_operation_is_described_with_its_problems(document: Any) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["x-sightline-role"] in {"none", "query", "enrol", "admin"}, name
        statuses = {"400", "403", "405", "408", "413", "422", "431", "500"}
        if operation["x-sightline-role"] != "none":
            assert operation["security"] == [{"key": []}], name
            statuses |= {"401", "429", "503"}
        assert statuses <= set(operation["responses"]), name
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert "application/problem+json" in response["content"], (name, status)
                assert response["content"]["application/problem+json"]["example"]["code"]


NEVER_ANSWERED = {"bundle_invalid", "device_unavailable", "gallery_missing", "tracklet_erased"}
"""At the start of the service, or in `sightline index` alone."""


def codes(kind: type[SightlineError]) -> set[str]:
    below = [codes(sub) for sub in kind.__subclasses__()]
    return set().union(*below) if below else {kind.code}


def test_every_code_is_listed_where_it_can_be_answered(document: Any) -> None:
    listed = {
        code
        for _, operation in operations(document)
        for status, response in operation["responses"].items()
        if int(status) >= 400
        for code in re.findall(r"`(\w+)`", response["description"])
    }

    assert listed == codes(SightlineError) - NEVER_ANSWERED | {"internal", "method_not_allowed"}


def test_headers_of_refusals_are_described(document: Any) -> None:
    headers = {
        "401": "WWW-Authenticate",
        "405": "Allow",
        "429": "Retry-After",
        "503": "Retry-After",
    }
    for name, operation in operations(document):
        for status, header in headers.items():
            if status in operation["responses"]:
                assert header in operation["responses"][status]["headers"], (name, status)


def test_uploads_are_described_with_all_their_fields(document: Any) -> None:
    query = document["paths"]["/query"]["post"]["requestBody"]["content"]["multipart/form-data"]
    enrol = document["paths"]["/tracklets"]["post"]["requestBody"]["content"]["multipart/form-data"]
    shared = {"frames", "clip", "boxes", "camera", "captured_at", "captured_until"}

    assert set(enrol["schema"]["properties"]) == shared | {"identity", "tracklet_id", "attributes"}
    assert set(query["schema"]["properties"]) == shared | {
        "tracklet_id",
        "top_k",
        "cameras",
        "exclude_cameras",
        "captured_after",
        "captured_before",
        "min_score",
        "far",
        "tracklets_per_identity",
        "rerank",
        "explain",
    }


def test_the_example_answers_are_there(document: Any) -> None:
    schemas = document["components"]["schemas"]
    for name in ("Tracklet", "Result", "SearchedGallery", "Timing", "Problem", "Receipt"):
        assert any("examples" in field for field in schemas[name]["properties"].values()), name
