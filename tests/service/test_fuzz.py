"""Nonsense of every kind: refused as the caller's fault, never a failure of the service."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from service.app import create_app
from service.settings import Settings
from tests.service.conftest import LOCAL
from tests.service.helpers import jpegs
from tests.service.live import multipart

FORM = multipart(jpegs(1, 2), camera="c1", boxes="[[0, 1, 2, 3, 4]]", tracklet_id="a")
HEADERS = {"content-type": "multipart/form-data; boundary=b"}


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory, fake_bundle: Path) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("fuzzed")
    chosen = Settings(gallery=folder / "gallery", model=fake_bundle, device="cpu", threads=1)
    with TestClient(create_app(chosen), **LOCAL) as client:
        yield client


@st.composite
def broken_forms(draw: st.DrawFn) -> bytes:
    """A good form with a piece replaced, doubled or cut out."""
    start = draw(st.integers(0, len(FORM)))
    end = min(len(FORM), start + draw(st.integers(0, 200)))
    return FORM[:start] + draw(st.binary(max_size=50)) + FORM[end:]


@settings(max_examples=80, deadline=None)
@given(
    body=broken_forms() | st.binary(max_size=200), path=st.sampled_from(["/query", "/tracklets"])
)
def test_broken_forms(fuzzed: TestClient, body: bytes, path: str) -> None:
    assert fuzzed.post(path, content=body, headers=HEADERS).status_code < 500


@settings(max_examples=80, deadline=None)
@given(name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=140), value=st.text())
def test_strange_names(fuzzed: TestClient, name: str, value: str) -> None:
    for response in (
        fuzzed.get("/tracklets", params={"camera": name, "identity": value}),
        fuzzed.get("/identities", params={"prefix": name, "cursor": value}),
        fuzzed.get("/tracklets", params={name: value}),
        fuzzed.patch("/tracklets/a", json={"attributes": {name: value}}),
    ):
        assert response.status_code < 500
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/problem+json"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
)


@settings(max_examples=80, deadline=None)
@given(body=st.dictionaries(st.sampled_from(["identity", "camera", "attributes", "x"]), JSON))
def test_strange_patches(fuzzed: TestClient, body: object) -> None:
    text = json.dumps(body).encode()  # with NaN, infinities and lone surrogates as they come

    response = fuzzed.patch(
        "/tracklets/a", content=text, headers={"content-type": "application/json"}
    )

    assert response.status_code in {200, 400, 404, 422}
