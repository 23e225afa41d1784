"""How every command fails: one line on stderr and an exit code."""

import json

import pytest
import typer
from typer.testing import CliRunner

from model.errors import BundleInvalid, InvalidParameter, SightlineError
from model.terminal import ProgressLine, console, failures_as_exit, output, print_json


@pytest.mark.parametrize(
    ("failure", "code"), [(BundleInvalid("no [bundle] here"), 1), (InvalidParameter("odd"), 2)]
)
def test_a_failure_is_an_exit_code(failure: SightlineError, code: int) -> None:
    with pytest.raises(typer.Exit) as left, failures_as_exit():
        raise failure

    assert left.value.exit_code == code


def test_other_exceptions_are_bugs_and_pass() -> None:
    with pytest.raises(ZeroDivisionError), failures_as_exit():
        raise ZeroDivisionError


def test_a_long_failure_stays_one_line() -> None:
    app = typer.Typer()
    detail = "[a] long " * 60

    @app.command()
    def fail() -> None:
        with failures_as_exit():
            raise BundleInvalid(detail)

    done = CliRunner().invoke(app, [])

    assert done.exit_code == 1
    assert done.stderr.strip() == f"error: {detail}".strip()
    assert not done.stdout


def test_colons_of_an_id_are_no_picture(capsys: pytest.CaptureFixture[str]) -> None:
    output.print("tracklet:cat:1")
    console.print("tracklet:cat:1")

    told = capsys.readouterr()
    assert told.out == told.err == "tracklet:cat:1\n"


def test_answers_are_strict_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "\u00e9"})
    assert json.loads(capsys.readouterr().out) == {"name": "\u00e9"}

    with pytest.raises(ValueError, match="JSON"):
        print_json({"score": float("nan")})


def test_progress_is_plain_lines_elsewhere() -> None:
    app = typer.Typer()

    @app.command()
    def work() -> None:
        with ProgressLine("indexing", 100, "tracklets") as progress:
            for _ in range(100):
                progress.advance()

    lines = CliRunner().invoke(app, []).stderr.splitlines()

    assert len(lines) == 10
    assert lines[-1] == "indexing: 100/100"


def test_a_file_that_cannot_be_used_is_one_line_and_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, failures_as_exit():
        raise FileExistsError(17, "File exists", "afile")

    assert ended.value.exit_code == 1
    assert capsys.readouterr().err == "error: afile: File exists\n"
