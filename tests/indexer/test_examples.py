"""The sample archive that `./run demo` uses."""

import json
from pathlib import Path

from indexer.archive.job import IndexJob, index_archive
from indexer.asking import Clip, Crops, read_subject
from indexer.settings import GallerySettings

EXAMPLES = Path(__file__).parents[2] / "examples"


def lines() -> list[dict[str, str]]:
    text = (EXAMPLES / "archive" / "tracklets.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_the_sample_archive_is_indexed_without_a_complaint(
    tmp_path: Path, fake_bundle: Path
) -> None:
    settings = GallerySettings(gallery=tmp_path / "gallery", model=fake_bundle, device="cpu")

    report = index_archive(IndexJob(EXAMPLES / "archive", "auto", settings))

    assert report.problems == []
    assert report.indexed == report.found == len(lines()) > 0


def test_held_out_people_are_enrolled_but_not_under_the_queries_camera() -> None:
    seen: dict[str, set[str]] = {}
    for line in lines():
        seen.setdefault(line["identity"], set()).add(line["camera"])

    queries = json.loads((EXAMPLES / "queries.json").read_text(encoding="utf-8"))

    assert {query["identity"] for query in queries} == seen.keys()
    assert all(query["camera"] not in seen[query["identity"]] for query in queries)
    assert {type(read_subject(str(EXAMPLES / query["path"]))) for query in queries} == {Crops, Clip}


def test_the_samples_stay_small() -> None:
    size = sum(path.stat().st_size for path in EXAMPLES.rglob("*") if path.is_file())

    assert size < 5 * 2**20
