"""The page's files as they are served, and what may stand in them. Needs no browser."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from model.errors import SightlineError
from service.app import create_app
from service.routes.page import FOLDER, MEDIA_TYPES, POLICY
from service.settings import Settings

ROOT = Path(__file__).parents[2]
SOURCES = sorted((FOLDER / "app").rglob("*.js"))
NEVER_SEEN = {"bundle_invalid", "device_unavailable", "gallery_missing", "tracklet_erased"}
"""Codes of commands and of a service that cannot start; see docs/http.md."""

each_source = pytest.mark.parametrize(
    "source", SOURCES, ids=lambda path: path.relative_to(FOLDER).as_posix()
)


@pytest.fixture
def client(tmp_path: Path, fake_bundle: Path) -> TestClient:
    settings = Settings(gallery=tmp_path, model=fake_bundle, device="cpu", threads=1)
    local = {"base_url": "http://127.0.0.1:8000", "client": ("127.0.0.1", 50000)}
    with TestClient(create_app(settings), **local) as started:  # type: ignore[arg-type]
        yield started


def test_the_page_comes_with_a_strict_policy(client: TestClient) -> None:
    page = client.get("/")

    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in page.headers
    policy = dict(
        part.split(" ", 1) for part in page.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["img-src"] == "'self' blob:"
    assert "unsafe" not in POLICY


def test_every_file_is_served_as_what_it_is(client: TestClient) -> None:
    files = [path for path in FOLDER.rglob("*") if path.suffix in MEDIA_TYPES]

    for path in files:
        name = path.relative_to(FOLDER).as_posix()
        answer = client.get("/" if name == "index.html" else f"/assets/{name}")
        assert answer.content == path.read_bytes(), name
        assert answer.headers["content-type"] == MEDIA_TYPES[path.suffix]
        assert answer.headers["content-security-policy"] == POLICY


def test_a_browser_that_has_a_file_is_not_sent_it_again(client: TestClient) -> None:
    first = client.get("/assets/app/main.js")

    again = client.get("/assets/app/main.js", headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    other = client.get("/assets/app/main.js", headers={"if-none-match": '"another"'})
    assert other.status_code == 200


@pytest.mark.parametrize(
    "name",
    ["", "no.js", "index.html", "vendor/README.md", "../routes/page.py", "..%2froutes%2fpage.py"],
)
def test_nothing_else_is_served(client: TestClient, name: str) -> None:
    answer = client.get(f"/assets/{name}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_files_are_in_the_installed_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["service"]
    shipped = {path for pattern in patterns for path in (ROOT / "service").glob(pattern)}

    assert {path for path in FOLDER.rglob("*") if path.is_file()} <= shipped


def test_the_library_is_the_one_that_was_published() -> None:
    listed = re.findall(
        r"`([\w.-]+\.js)` .*`([0-9a-f]{64})`", (FOLDER / "vendor/README.md").read_text()
    )

    there = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (FOLDER / "vendor").glob("*.js")
    }
    assert there == dict(listed)


def test_the_document_holds_nothing_inline_and_nothing_of_others() -> None:
    document = (FOLDER / "index.html").read_text("utf-8")

    assert re.findall(r"<script(?![^>]*\bsrc=)", document) == []
    assert re.findall(r"<style|\bstyle=|\bon\w+=", document) == []
    links = re.findall(r'(?:src|href)="([^"]*)"', document)
    assert all(link.startswith("/assets/") for link in links)
    assert all((FOLDER / link.removeprefix("/assets/")).exists() for link in links)


@each_source
def test_imports_lead_to_files(source: Path) -> None:
    for target in re.findall(r'from "([^"]+)"', source.read_text("utf-8")):
        assert target.startswith("."), target
        assert (source.parent / target).resolve().is_relative_to(FOLDER)
        assert (source.parent / target).exists(), target


@each_source
def test_nothing_is_stored_evaluated_or_made_markup(source: Path) -> None:
    forbidden = (
        r"localStorage|sessionStorage|indexedDB|document\.cookie|\beval\b|new Function|"
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|https?://(?!www\.w3\.org)"
    )

    assert re.findall(forbidden, source.read_text("utf-8")) == []


@each_source
def test_modules_are_short_and_say_why_they_exist(source: Path) -> None:
    text = source.read_text("utf-8")

    assert text.startswith("/**")
    assert len(text.splitlines()) <= 250
    assert max(map(len, text.splitlines())) <= 100


def leaves(kind: type[SightlineError]) -> set[str]:
    below = [leaves(sub) for sub in kind.__subclasses__()]
    return set().union(*below) if below else {kind.code}


def test_every_code_of_the_service_has_words() -> None:
    source = (FOLDER / "app/api/problems.js").read_text("utf-8")
    (words,) = re.findall(r"export const WORDS = \{\n(.*?)^\};", source, re.DOTALL | re.MULTILINE)
    entry = r'^  (\w+): \{\n    title: "[^"]+",\n    advice:\s+"[^"]+",\n  \},\n'

    codes = leaves(SightlineError) - NEVER_SEEN | {"internal", "method_not_allowed"}
    assert set(re.findall(entry, words, re.MULTILINE)) == codes
