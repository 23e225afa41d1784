"""`sightline synth` as a person calls it."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from model.synthetic import open_world
from model.synthetic.command import synth


@pytest.fixture
def app() -> typer.Typer:
    application = typer.Typer()
    application.command()(synth)
    return application


def test_it_writes_a_world_a_sheet_and_a_report(app: typer.Typer, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    arguments = ["--preset", "tiny", "--identities", "4", "--out", str(tmp_path / "world")]
    result = CliRunner().invoke(app, [*arguments, "--sheet", str(sheet), "--json"])

    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["frames"] == report["rendered"] == 4 * 3 * 4
    assert sheet.stat().st_size > 10_000
    assert (tmp_path / "world" / "manifest.json").exists()


def test_numbers_of_the_preset_can_be_changed_one_by_one(app: typer.Typer, tmp_path: Path) -> None:
    arguments = ["--preset", "tiny", "--identities", "2", "--tracklets", "2", "--frames", "3"]
    result = CliRunner().invoke(
        app, [*arguments, "--environments", "2", "--height", "96", "--out", str(tmp_path)]
    )

    assert result.exit_code == 0, result.output
    config = open_world(tmp_path).config
    assert (config.identities, config.tracklets_per_identity) == (2, 2)
    assert (config.frames_per_tracklet, config.environments) == (3, 2)
    assert (config.frame_height, config.frame_width) == (96, 48)
    # What is not asked for stays as the preset has it.
    assert config.view_height == 270


def test_progress_is_plain_lines_when_not_on_a_terminal(app: typer.Typer, tmp_path: Path) -> None:
    arguments = ["--preset", "tiny", "--identities", "4", "--out", str(tmp_path), "--probe"]
    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 0
    assert "48 synthetic frames of 4 people" in result.stdout
    assert "colours alone" in result.stdout
    assert "\x1b" not in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["--preset", "huge"],
        ["--preset", "tiny", "--sheet", "sheet.txt"],
        ["--kind", "k9"],
        ["--workers", "0"],
        ["--preset", "tiny", "--identities", "2", "--probe"],
        ["--preset", "tiny", "--height", "16"],
        ["--preset", "tiny", "--environments", "0"],
    ],
)
def test_wrong_usage_exits_with_2(app: typer.Typer, tmp_path: Path, arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["--out", str(tmp_path), *arguments])
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_a_finished_world_is_not_made_again(app: typer.Typer, tmp_path: Path) -> None:
    arguments = ["--preset", "tiny", "--identities", "4", "--out", str(tmp_path)]
    CliRunner().invoke(app, arguments)
    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 0
    assert "all there before" in result.stdout


def test_a_sheet_that_cannot_be_written_is_one_line_and_the_world_stays(
    app: typer.Typer, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    sheet = tmp_path / "file" / "sheet.png"
    arguments = ["--preset", "tiny", "--identities", "4", "--out", str(tmp_path / "world")]
    result = CliRunner().invoke(app, [*arguments, "--sheet", str(sheet)])

    assert result.exit_code == 1
    assert "cannot go on" in result.stderr
    assert "Traceback" not in result.output
    assert len(open_world(tmp_path / "world")) == 48


def test_help_shows_examples(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert "sightline synth --preset" in result.output
