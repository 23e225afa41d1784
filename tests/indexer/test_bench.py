"""`sightline bench search` measures what it says, on any machine."""

import json

import pytest
import typer
from typer.testing import CliRunner

from indexer.bench import search
from model import benchmark

app = typer.Typer()
app.command()(search)


def test_compares_with_faiss_and_numpy() -> None:
    done = CliRunner().invoke(app, ["--sizes", "50,300", "--width", "64", "--force", "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["machine"]["cores"] >= 1
    assert [one["tracklets"] for one in report["search"]] == [50, 300]
    assert all(one["recall_at_10"] > 0.95 for one in report["search"])


def test_refuses_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "busy_cores", lambda seconds: 99.0)
    done = CliRunner().invoke(app, ["--sizes", "50"])
    assert done.exit_code == 2
    assert "--force" in done.stderr


@pytest.mark.parametrize("sizes", ["", "ten", "10,", "0", "-5"])
def test_refuses_sizes_that_are_none(sizes: str) -> None:
    assert CliRunner().invoke(app, ["--sizes", sizes]).exit_code == 2
