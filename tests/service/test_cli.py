"""The root command: everything listed, nothing heavy imported, missing extras named."""

import json
import subprocess
import sys

import pytest

from service.cli import COMMANDS


def run(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def sightline(*arguments: str, before: str = "", after: str = "") -> str:
    """Code that runs the command, with something before and after it."""
    return (
        f"import sys\n{before}\nsys.argv = ['sightline', *{list(arguments)!r}]\n"
        f"from service.cli import main\ntry:\n    main()\nfinally:\n    {after or 'pass'}"
    )


def test_help_lists_every_command_without_importing_them() -> None:
    heavy = "sorted({'torch', 'onnxruntime', 'faiss', 'cv2', 'fastapi'} & set(sys.modules))"

    done = run(sightline("--help", after=f"print({heavy})"))

    assert done.returncode == 0
    assert done.stdout.rstrip().endswith("[]")
    for name in ("serve", *COMMANDS):
        assert f"  {name} " in done.stdout


WALK = """
import json, typer
from typer.testing import CliRunner
from service.cli import COMMANDS, load, root

def helps(name, app, *path):
    command = typer.main.get_command(app)
    for step in path:
        command = command.commands[step]
    found = {}
    for sub in getattr(command, "commands", ()):
        found |= helps(name, app, *path, sub)
    if not found:
        done = CliRunner().invoke(app, [*path, "--help"], prog_name=f"sightline {name}")
        found = {" ".join([name, *path]): done.output}
    return found

found = {"serve": CliRunner().invoke(root, ["serve", "--help"], prog_name="sightline").output}
for name, command in COMMANDS.items():
    found |= helps(name, load(command))
print(json.dumps(found))
"""


def test_every_command_has_help_with_an_example() -> None:
    done = run(WALK)
    assert done.returncode == 0, done.stderr

    for name, text in json.loads(done.stdout).items():
        assert "Example" in text, name
        assert f"sightline {name}" in text.partition("Example")[2], name


@pytest.mark.parametrize("name", ["serve", "synth", "gallery"])
def test_help_is_passed_on_to_the_real_command(name: str) -> None:
    done = run(sightline(name, "--help"))

    assert done.returncode == 0, done.stderr
    assert f"sightline {name}" in done.stdout


def test_a_missing_extra_is_named() -> None:
    done = run(sightline("synth", "--out", "x", before="sys.modules['numba'] = None"))

    assert done.returncode == 1
    assert "sightline[synth]" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_command_is_a_usage_error() -> None:
    assert run(sightline("nonsense")).returncode == 2
    assert run(sightline("serve", "--port", "x")).returncode == 2
