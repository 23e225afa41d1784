"""`sightline bench embed`: what it measures, and when it refuses to."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import export.bench
from export.bench import Case, bench_embed, measure
from model.benchmark import Machine
from model.bundle import open_bundle
from tests.export.conftest import Exported

IDLE = Machine("a processor", 2, ("avx2",), load=0.1, busy_cores=0.0)
BUSY = Machine("a processor", 2, ("avx2",), load=2.5, busy_cores=1.9)


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(bench_embed)
    return app


def test_the_report_has_a_row_for_every_case(
    command: typer.Typer, fake_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export.bench, "describe_machine", lambda: IDLE)
    flags = ["--model", str(fake_bundle), "--device", "cpu", "--frames", "4", "--repeats", "2"]
    cases = ["--batch", "1", "--batch", "3", "--threads", "1", "--threads", "2"]

    done = CliRunner().invoke(command, [*flags, *cases, "--json"])

    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["machine"]["processor"] == "a processor"
    assert report["provider"] == "cpu"
    assert [(row["batch"], row["threads"]) for row in report["rows"]] == [
        (1, 1),
        (1, 2),
        (3, 1),
        (3, 2),
    ]
    for row in report["rows"]:
        assert row["tracklets_per_second"] == pytest.approx(row["batch"] / row["median_seconds"])
        assert row["fastest_seconds"] <= row["median_seconds"] <= row["slowest_seconds"]
        # The hand-made graph has no network that PyTorch could run.
        assert row["to_eager"] is None


def test_a_busy_machine_is_refused_unless_forced(
    command: typer.Typer, fake_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export.bench, "describe_machine", lambda: BUSY)
    flags = ["--model", str(fake_bundle), "--device", "cpu", "--frames", "1", "--repeats", "1"]

    refused = CliRunner().invoke(command, flags)
    forced = CliRunner().invoke(command, [*flags, "--force"])

    assert refused.exit_code == 1
    assert forced.exit_code == 0
    assert "tracklets/s" in forced.stdout


@pytest.mark.parametrize(
    "flags",
    [
        ["--frames", "0"],
        ["--frames", "33"],
        ["--batch", "0"],
        ["--repeats", "0"],
        ["--threads", "-1"],
    ],
)
def test_a_senseless_measurement_is_a_usage_error(
    command: typer.Typer, fake_bundle: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    monkeypatch.setattr(export.bench, "describe_machine", lambda: IDLE)

    done = CliRunner().invoke(command, ["--model", str(fake_bundle), *flags])

    assert done.exit_code == 2


def test_the_other_side_is_the_same_graph_in_eager_pytorch(plain: Exported) -> None:
    report = measure(IDLE, open_bundle(plain.folder), "cpu", [Case(2, 1)], 3, 2)

    (row,) = report.rows
    assert row.to_eager is not None
    assert row.eager_tracklets_per_second is not None
    assert row.to_eager == pytest.approx(row.tracklets_per_second / row.eager_tracklets_per_second)
