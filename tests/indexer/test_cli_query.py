"""`sightline query` against a gallery's folder and against a running service."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from indexer.archive.job import IndexJob, index_archive
from indexer.commands.query import query
from indexer.commands.ranking_table import attention_bars
from indexer.gallery import open_gallery
from indexer.settings import GallerySettings
from model.bundle import CALIBRATION, Manifest
from tests.support.archives import write_crops, write_tracklets, write_video
from tests.support.calibrations import make_calibration
from tests.support.fake_bundle import make_bundle, person
from tests.support.running import start

PEOPLE = {"c1/anna": 1, "c2/anna again": 1, "c1/bert": 2, "c2/nobody": 3}
LINES = [
    {"tracklet": "anna", "identity": "[b]Anna", "captured_at": "2024-05-01T12:00:00Z"},
    {"tracklet": "anna again", "identity": "[b]Anna", "captured_at": "2024-05-01T13:00:00Z"},
    {"tracklet": "bert", "identity": "Bert"},
]


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory, fake_bundle: Path) -> Path:
    folder = tmp_path_factory.mktemp("query")
    archive = write_tracklets(folder / "archive", PEOPLE, lines=LINES)
    settings = GallerySettings(gallery=folder / "gallery", model=fake_bundle, device="cpu")
    index_archive(IndexJob(archive, "auto", settings))
    return folder / "gallery"


@pytest.fixture(scope="module")
def service(gallery: Path, fake_bundle: Path) -> Iterator[str]:
    """A running service without keys; its address."""
    process = start("serve", "--gallery", gallery, "--model", fake_bundle, "--port", 0)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield _address(process.stderr)
    finally:
        process.terminate()
        process.communicate()


def _address(log: Iterator[str]) -> str:
    for line in log:
        found = re.search(r"http://127\.0\.0\.1:[1-9]\d*", line)
        if found:
            return found.group()
    raise AssertionError("the service did not start")


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """Another walk of Anna."""
    return write_crops(tmp_path / "crops", person(1, 6))


def run(subject: object, *arguments: object) -> Result:
    app = typer.Typer()
    app.command()(query)
    return CliRunner().invoke(app, [str(a) for a in (subject, *arguments)])


def answer(subject: object, *arguments: object) -> dict[str, Any]:
    result = run(subject, *arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def identities(found: dict[str, Any]) -> list[str | None]:
    return [result["identity"] for result in found["results"]]


def test_a_folder_of_frames_finds_its_person(gallery: Path, fake_bundle: Path, crops: Path) -> None:
    found = answer(crops, "--gallery", gallery, "--model", fake_bundle)

    assert identities(found)[0] == "[b]Anna"
    assert set(identities(found)) == {"[b]Anna", "Bert", None}
    first = found["results"][0]
    assert (first["rank"], first["match"], first["probability"]) == (1, None, None)
    assert {hit["camera"] for hit in first["tracklets"]} == {"c1", "c2"}
    assert found["query"]["frames"] == {"received": 6, "sampled": [0, 1, 2, 3, 4, 5]}
    assert sum(found["query"]["temporal_attention"]) == pytest.approx(1, abs=1e-5)
    assert found["gallery"]["tracklets"] == found["gallery"]["searched"] == 4
    assert found["gallery"]["expected_false_matches"] is None
    assert found["model_id"] == Manifest.load(fake_bundle).model_id


def test_reranking_is_the_same_from_the_folder_and_from_the_service(
    gallery: Path, service: str, fake_bundle: Path, crops: Path
) -> None:
    here = answer(crops, "--gallery", gallery, "--model", fake_bundle, "--rerank")
    there = answer(crops, "--server", service, "--rerank")

    assert here["gallery"]["scoring"]["rerank"] is True
    assert here["gallery"] == there["gallery"]
    assert here["results"] == there["results"]
    assert identities(here)[0] == "[b]Anna"


def test_a_clip_and_a_single_picture_are_asked_about_too(
    tmp_path: Path, gallery: Path, fake_bundle: Path, crops: Path
) -> None:
    write_video(tmp_path / "walk.mp4", [1], frames=50)
    flags = ("--gallery", gallery, "--model", fake_bundle)

    clip = answer(tmp_path / "walk.mp4", *flags)
    picture = answer(crops / "0001.jpg", *flags)

    assert clip["query"]["frames"]["received"] == 50
    assert clip["warnings"] == ["looks_uncropped"]
    assert picture["query"]["frames"]["received"] == 1
    assert identities(picture)[0] == "[b]Anna"


def test_an_enrolled_tracklet_is_left_out_of_its_own_results(
    gallery: Path, fake_bundle: Path, crops: Path
) -> None:
    flags = ("--gallery", gallery, "--model", fake_bundle)
    first = answer(crops, *flags)["results"][0]
    own, other = (hit["tracklet_id"] for hit in first["tracklets"])

    found = answer(f"tracklet:{own}", *flags)

    listed = [hit["tracklet_id"] for result in found["results"] for hit in result["tracklets"]]
    assert listed[0] == other
    assert own not in listed


def test_a_flag_wins_over_the_environment(
    gallery: Path, fake_bundle: Path, crops: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_SERVER", "http://127.0.0.1:9")

    assert answer(crops, "--gallery", gallery, "--model", fake_bundle)["results"]
    assert "no Sightline service answers" in run(crops).stderr


def test_an_enrolled_tracklet_needs_no_model(tmp_path: Path, gallery: Path, crops: Path) -> None:
    with open_gallery(gallery, model_id=None, width=None, create=False) as opened:
        some = opened.path("Bert", limit=1, cursor=None).items[0].tracklet_id

    found = answer(f"tracklet:{some}", "--gallery", gallery, "--model", tmp_path / "absent")

    assert len(found["results"]) == 2


def test_filters_hold(gallery: Path, fake_bundle: Path, crops: Path) -> None:
    flags = ("--gallery", gallery, "--model", fake_bundle)

    in_c2 = answer(crops, *flags, "--camera", "c2")
    not_c2 = answer(crops, *flags, "--exclude-camera", "c2")
    later = answer(crops, *flags, "--captured-after", "2024-05-01T12:30:00Z")
    one = answer(crops, *flags, "--top-k", "1", "--tracklets-per-identity", "1")
    alike = answer(crops, *flags, "--min-score", "0.9")

    assert set(identities(in_c2)) == {"[b]Anna", None}
    assert set(identities(not_c2)) == {"[b]Anna", "Bert"}
    assert identities(later) == identities(alike) == ["[b]Anna"]
    assert [len(result["tracklets"]) for result in one["results"]] == [1]


def test_the_service_gives_the_same_answer(
    service: str, gallery: Path, fake_bundle: Path, crops: Path
) -> None:
    flags = ("--top-k", "2", "--exclude-camera", "c1", "--min-score", "-0.5")

    local = answer(crops, "--gallery", gallery, "--model", fake_bundle, *flags)
    remote = answer(crops, "--server", service, *flags)

    del local["timing_ms"], remote["timing_ms"]
    assert remote == local


def test_the_service_is_asked_about_clips_and_enrolled_tracklets(
    service: str, tmp_path: Path, crops: Path
) -> None:
    write_video(tmp_path / "walk.mp4", [1], frames=12)
    known = answer(crops, "--server", service)["results"][0]["tracklets"][0]["tracklet_id"]

    clip = answer(tmp_path / "walk.mp4", "--server", service)
    enrolled = answer(f"tracklet:{known}", "--server", service)

    assert clip["query"]["frames"]["received"] == 12
    assert identities(enrolled)[0] == "[b]Anna"


def test_a_long_tracklet_is_sampled_before_it_is_sent(service: str, tmp_path: Path) -> None:
    long = write_crops(tmp_path / "long", person(1, 700))

    result = run(long, "--server", service, "--json")

    assert json.loads(result.stdout)["query"]["frames"]["received"] == 512
    assert "sending 512 of 700" in result.stderr


def test_a_long_tracklet_is_sampled_the_same_way_without_a_service(
    gallery: Path, fake_bundle: Path, service: str, tmp_path: Path
) -> None:
    long = write_crops(tmp_path / "long", person(1, 600))

    local = run(long, "--gallery", gallery, "--model", fake_bundle, "--json")
    remote = answer(long, "--server", service)

    assert local.exit_code == 0, local.output
    assert "using 512 of 600" in local.stderr
    assert json.loads(local.stdout)["query"] == remote["query"]


def test_what_the_service_would_refuse_is_not_sent(service: str, tmp_path: Path) -> None:
    (tmp_path / "huge.jpg").write_bytes(bytes(9 * 2**20))

    result = run(tmp_path / "huge.jpg", "--server", service)

    assert result.exit_code == 1
    assert "huge.jpg has 9,437,184 bytes; the service takes 8,388,608" in result.stderr


def test_the_services_refusals_are_told(service: str, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no picture")

    bad = run(tmp_path / "bad.jpg", "--server", service)
    unknown = run("tracklet:nobody", "--server", service)

    assert (bad.exit_code, unknown.exit_code) == (1, 1)
    assert "frame 0: the file is no JPEG, PNG or WebP picture" in bad.stderr
    assert "no such tracklet" in unknown.stderr


def test_no_service_and_no_sightline_are_told_apart(crops: Path) -> None:
    absent = run(crops, "--server", "http://127.0.0.1:9")

    assert absent.exit_code == 1
    assert "no Sightline service answers" in absent.stderr


def test_the_table_shows_rank_identity_and_attention(
    gallery: Path, fake_bundle: Path, crops: Path
) -> None:
    shown = run(crops, "--gallery", gallery, "--model", fake_bundle).stdout

    assert "query: 6 of 6 frames" in shown
    row = next(line for line in shown.splitlines() if "[b]Anna" in line)
    assert "2024-05-01 1" in row
    assert "c1, c2" in row
    assert re.search(r"[▁▂▃▄▅▆▇█]{4}", row)


def test_no_results_are_told_in_words(gallery: Path, fake_bundle: Path, crops: Path) -> None:
    flags = ("--gallery", gallery, "--model", fake_bundle, "--camera", "c9")

    shown = run(crops, *flags).stdout

    assert "nothing was found" in shown
    assert "rank" not in shown


def test_a_calibration_turns_scores_into_decisions(
    tmp_path: Path, gallery: Path, crops: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    calibration = make_calibration(
        Manifest.load(bundle).model_id, thresholds={1e-3: 0.9, 1e-4: None}, values=(-5.0, 5.0)
    )
    (bundle / CALIBRATION).write_text(calibration.model_dump_json())
    monkeypatch.setenv("SIGHTLINE_PRIOR", "0.5")
    flags = (crops, "--gallery", gallery, "--model", bundle)

    supported = answer(*flags, "--far", "1e-3")
    unsupported = answer(*flags, "--far", "1e-4")
    shown = run(*flags, "--far", "1e-3")

    assert [result["match"] for result in supported["results"]][:2] == [True, False]
    assert supported["results"][0]["probability"] > 0.98
    assert supported["gallery"]["expected_false_matches"] == pytest.approx(4e-3)
    assert [result["match"] for result in unsupported["results"]][:2] == [None, None]
    assert "yes (99%)" in shown.stdout
    assert "synthetic people" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("/nowhere",), "INPUT is no folder"),
        (("tracklet:a b",), "tracklet_id must be"),
        ((".", "--gallery", "g", "--server", "http://h"), "not both"),
        (("tracklet:a", "--server", "ftp://h"), "--server wants a URL"),
        (("tracklet:a", "--captured-after", "noon"), "--captured-after must be"),
        (("tracklet:a", "--top-k", "0"), "top-k"),
        (("tracklet:a", "--far", "0.5"), "far"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_a_gallery_that_is_not_there_is_not_made(
    tmp_path: Path, fake_bundle: Path, crops: Path
) -> None:
    result = run(crops, "--gallery", tmp_path / "absent", "--model", fake_bundle)

    assert result.exit_code == 1
    assert not (tmp_path / "absent").exists()


def test_bars_show_the_weights() -> None:
    assert attention_bars([0.1, 0.8, 0.1]) == "▂█▂"
    assert attention_bars([1 / 32] * 31 + [1 / 16]) == "▅" * 15 + "█"
    assert attention_bars([]) == ""
