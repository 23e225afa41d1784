"""The pages say what the code does: commands, flags, settings, routes, codes, examples."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

from indexer import answers, calibration
from indexer.archive.layouts import scan
from indexer.archive.report import Report
from indexer.archive.sources import Archive, Footage, Pictures
from model.bundle import Manifest
from model.decode import decode_frames
from model.errors import SightlineError
from model.limits import DecodeLimits
from model.runtime import TrackletEmbedding, load_embedder
from service import schemas
from service import settings as service_settings
from service.app import create_app
from service.auth import ROLE_FIELD
from service.forms import EnrolForm, IdentityParameters, QueryForm, TrackletChanges, TrackletFilters
from service.problems import status_of
from service.settings import Settings
from tests.support.archives import write_crops, write_tracklets
from tests.support.fake_bundle import person
from tests.support.reference import DOCS, ROOT, commands, flags, rendered
from tests.support.running import environment

PAGES = sorted([*DOCS.glob("*.md"), *ROOT.glob("README.md")], key=lambda page: page.name)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


class Fence(NamedTuple):
    """A fenced block: what stands behind its opening backticks, and its lines."""

    info: str
    text: str


def fences(page: Path) -> list[Fence]:
    found = re.findall(r"(?ms)^```([^\n`]*)\n(.*?)^```$", page.read_text("utf-8"))
    return [Fence(info.strip(), text) for info, text in found]


def read(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def rows(page: str, *heads: str) -> list[list[str]]:
    """The body of the table with these heads, cells without their backticks."""
    opening = re.escape("| " + " | ".join(heads) + " |") + r"\n\|[-| ]+\|\n((?:\|.*\n)+)"
    (body,) = re.findall(opening, page)
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in body.splitlines()]
    return [[cell.strip().strip("`") for cell in line] for line in lines]


# Commands and settings


@each_page
def test_generated_tables_are_in_step_with_the_code(page: Path) -> None:
    text = page.read_text("utf-8")

    assert text == rendered(text), "run `python -m tests.support.reference`"


def test_every_command_has_a_section_with_its_flags_and_an_example() -> None:
    sections = dict(re.findall(r"(?ms)^## (.*?)\n(.*?)(?=^## |\Z)", read("commands.md")))

    assert set(sections) == set(commands())
    for name, section in sections.items():
        assert re.search(rf"(?s)```sh\n.*sightline {name}\b.*?```", section), name
        for flag in flags(commands()[name]):
            assert f"`{flag.opts[-1]}" in section, (name, flag.opts)


def command_lines(page: Path) -> Iterator[list[str]]:
    """Every call of `sightline` on a page, as words after the command's own name."""
    shell = "\n".join(fence.text for fence in fences(page) if fence.info in {"sh", "console", ""})
    lines = shell.replace("\\\n", " ").splitlines()
    inline = re.findall(r"`(sightline [^`]+)`", page.read_text("utf-8"))
    for line in [*lines, *(" ".join(call.split()) for call in inline)]:
        for call in re.findall(r"(?:^|\$ |\$\(|=\S+ |--no-python )sightline ([^#|)]*)", line):
            yield shlex.split(call)


@each_page
def test_examples_use_commands_and_flags_that_exist(page: Path) -> None:
    known = commands()
    groups = {name.split()[0] for name in known}

    for words in command_lines(page):
        name = " ".join(words[:2]) if " ".join(words[:2]) in known else words[0]
        assert name in known or name in groups or name == "COMMAND", words
        if name in known:
            there = {
                text for one in known[name].params for text in (*one.opts, *one.secondary_opts)
            }
            given = {word.split("=")[0] for word in words if word.startswith("--")}
            assert given <= there | {"--help"}, words


@each_page
def test_variables_exist(page: Path) -> None:
    of_settings = {f"SIGHTLINE_{name.upper()}" for name in Settings.model_fields}
    of_flags = {flag.envvar for command in commands().values() for flag in flags(command)}
    sources = [ROOT / "run", *(ROOT / "indexer" / "commands").glob("*.py")]
    elsewhere = {
        name
        for source in sources
        for name in re.findall(r"\bSIGHTLINE_[A-Z_]+\b", source.read_text("utf-8"))
    }

    named = set(re.findall(r"\bSIGHTLINE_[A-Z_]+\b", page.read_text("utf-8")))

    assert named <= of_settings | of_flags | elsewhere


def test_variables_of_flags_are_on_the_page_of_settings() -> None:
    page = read("settings.md")

    for command in commands().values():
        for flag in flags(command):
            assert flag.envvar is None or f"`{flag.envvar}`" in page, flag.envvar


# The HTTP interface


@pytest.fixture(scope="module")
def routes() -> list[APIRoute]:
    return [route for route in create_app(Settings()).routes if isinstance(route, APIRoute)]


def operation(route: APIRoute) -> str:
    return f"{' '.join(route.methods or ())} {route.path_format}"


def test_every_operation_stands_in_the_table_with_its_role(routes: list[APIRoute]) -> None:
    listed = {row[0]: row[1] for row in rows(read("http.md"), "operation", "role", "does")}

    assert listed == {
        operation(route): (route.openapi_extra or {}).get(ROLE_FIELD) for route in routes
    }


def test_every_operation_is_described(routes: list[APIRoute]) -> None:
    headings = " ".join(re.findall(r"(?m)^### (.*)$", read("http.md")))

    for route in routes:
        assert f"`{operation(route)}`" in headings or route.path == "/openapi.json"


def test_every_code_stands_in_the_table_with_its_status() -> None:
    page = read("http.md")
    raised = {(str(status_of(leaf(""))), leaf.code) for leaf in leaves(SightlineError)}
    raised |= {("405", "method_not_allowed"), ("500", "internal")}

    listed = {(row[0], row[1]) for row in rows(page, "status", "code", *PROBLEM_HEADS)}

    assert listed <= raised
    at_the_start = {code for _, code in raised - listed}
    assert at_the_start == {"bundle_invalid", "device_unavailable", "gallery_missing"}
    assert all(f"`{code}`" in page for code in at_the_start)


PROBLEM_HEADS = ("what happened", "what to do")


def leaves(kind: type[SightlineError]) -> Iterator[type[SightlineError]]:
    for below in kind.__subclasses__():
        yield from leaves(below)
    if not kind.__subclasses__():
        yield kind


def test_every_field_of_a_request_is_described() -> None:
    page = read("http.md")
    defaults = {row[0]: row[1] for row in rows(page, "field", "default", "meaning")}

    for shape in (EnrolForm, QueryForm, TrackletFilters, IdentityParameters, TrackletChanges):
        for name in shape.model_fields:
            assert f"`{name}`" in page, name
    for name in ("top_k", "tracklets_per_identity", "far", "rerank"):
        assert defaults[name] == str(QueryForm.model_fields[name].default).lower()


def test_curl_examples_ask_for_what_is_there(routes: list[APIRoute]) -> None:
    shell = "\n".join(fence.text for fence in fences(DOCS / "http.md") if fence.info == "sh")
    calls = [
        shlex.split(line)
        for line in shell.replace("\\\n", " ").splitlines()
        if line.startswith("curl ")
    ]
    sent: dict[str, type[BaseModel]] = {"POST /query": QueryForm, "POST /tracklets": EnrolForm}

    assert calls
    for words in calls:
        forms = [words[place + 1] for place, word in enumerate(words) if word == "-F"]
        method = words[words.index("-X") + 1] if "-X" in words else None
        method = method or ("POST" if forms or "-d" in words else "GET")
        (path,) = [word.removeprefix("$U").partition("?")[0] for word in words if "$U/" in word]
        (route,) = [
            one for one in routes if method in (one.methods or ()) and one.path_regex.match(path)
        ]
        for field in forms:
            name = field.partition("=")[0]
            assert name in {"frames", "clip", *sent[operation(route)].model_fields}


# Examples in JSON and Python


def shapes() -> dict[str, type[BaseModel]]:
    return {
        name: value
        for module in (schemas, answers, calibration, service_settings)
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, BaseModel)
    }


@each_page
def test_json_is_json_and_has_the_fields_of_what_it_shows(page: Path) -> None:
    for info, text in fences(page):
        kind, _, name = info.partition(" ")
        if kind == "jsonl":
            assert all(isinstance(json.loads(line), dict) for line in text.splitlines())
        elif kind == "json":
            shown = json.loads(text)
            if name:
                shape = shapes()[name]
                shape.model_validate(shown)
                assert set(shown) == set(shape.model_fields), name


def test_the_example_with_onnxruntime_embeds_as_sightline_does(
    fake_bundle: Path, tmp_path: Path
) -> None:
    """With more frames than are sampled, larger than the model's."""
    crops = write_crops(tmp_path / "crops", person(3, 70, size=(96, 48)))
    (example,) = [fence.text for fence in fences(DOCS / "bundle.md") if fence.info == "python"]
    embedder = load_embedder(fake_bundle, "cpu", 1)
    decoded = decode_frames(
        [file.read_bytes() for file in sorted(crops.iterdir())], 32, 64, 32, DecodeLimits()
    )

    done = subprocess.run(
        [sys.executable, "-c", example, fake_bundle, crops],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    shown = json.loads(done.stdout)
    (own,) = embedder.embed([decoded.frames])
    assert isinstance(own, TrackletEmbedding)
    np.testing.assert_allclose(shown["embedding"], own.embedding, atol=1e-5)
    np.testing.assert_allclose(shown["attention"], own.temporal_attention, atol=1e-5)


def test_every_field_of_the_manifest_is_described() -> None:
    described = {
        name
        for row in rows(read("bundle.md"), "field", "meaning")
        for name in re.findall(r"\w+", row[0])
    }

    assert described == set(Manifest.model_fields)


# Archives


def test_the_sidecar_of_tracklets_fits_the_archive_that_is_shown(tmp_path: Path) -> None:
    (lines,) = [fence.text for fence in fences(DOCS / "archives.md") if fence.info == "jsonl"]
    seeds = {"cam1/0001": 1, "cam1/0002": 2, "cam2/0001": 3}
    write_tracklets(tmp_path, seeds, frames=1, lines=lines.splitlines())

    found = list(scan(Archive(tmp_path, "archive"), "tracklets", None))

    labels = {one.label.place: one.label.identity for one in found if isinstance(one, Pictures)}
    assert len(found) == len(seeds)
    assert labels == {"cam1/0001": "p-017", "cam1/0002": "p-018", "cam2/0001": "p-017"}


def test_the_sidecar_of_a_video_is_read(tmp_path: Path) -> None:
    sidecar, _ = [fence.text for fence in fences(DOCS / "archives.md") if fence.info == "json"]
    (tmp_path / "entrance.mp4").touch()
    (tmp_path / "entrance.json").write_text(sidecar)
    shown = json.loads(sidecar)

    (found,) = scan(Archive(tmp_path, "archive"), "video", None)

    assert isinstance(found, Footage)
    assert (found.camera, found.fps) == (shown["camera"], shown["fps"])
    assert found.start is not None


def test_the_report_has_the_fields_that_are_shown() -> None:
    _, shown = [fence.text for fence in fences(DOCS / "archives.md") if fence.info == "json"]

    assert fields(json.loads(shown)) == fields(Report("archive", "tracklets", "local").as_json())


def fields(value: Any) -> Any:
    """The names in an object and in the objects below it."""
    return {name: fields(below) for name, below in value.items()} if isinstance(value, dict) else {}


# Links and files


def anchors(page: Path) -> set[str]:
    """What GitHub makes of a page's headings."""
    headings = re.findall(r"(?m)^#+ (.*)$", page.read_text("utf-8"))
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {text.replace(" ", "-") for text in plain}


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"(?ms)^```.*?^```$", "", page.read_text("utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if not link.startswith(("https://", "http://", "mailto:")):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@each_page
def test_files_that_are_named_are_there(page: Path) -> None:
    """Paths of this project between backticks, down to a file with a suffix."""
    tops = "model|export|indexer|service|tests|docs|benchmarks|examples|constraints"
    named = re.findall(rf"`((?:{tops})/[\w./-]+\.\w+)`", page.read_text("utf-8"))

    assert [name for name in named if not (ROOT / name).exists()] == []
