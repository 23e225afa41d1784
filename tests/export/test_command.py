"""`sightline export` as a person or a script calls it."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from export.command import export
from model.bundle import open_bundle
from tests.export.conftest import Exported


def _run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(export)
    return CliRunner().invoke(app, arguments)


def test_exports_an_untrained_network_and_prints_the_parity_table(tmp_path: Path) -> None:
    result = _run("--untrained", "tiny", "--out", str(tmp_path / "bundle"))

    assert result.exit_code == 0, result.output
    assert "tolerance 0.0001" in result.output
    assert "32 padded" in result.output
    assert open_bundle(tmp_path / "bundle").manifest.training["trained"] is False


def test_exports_from_a_bundle_with_json_for_scripts(compact: Exported, tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.json"
    metrics.write_text('[{"name": "mAP", "value": 0.5, "protocol": "P", "data": "D"}]')
    out = tmp_path / "bundle"

    result = _run(
        *("--checkpoint", str(compact.folder), "--out", str(out), "--json"),
        *("--metrics", str(metrics), "--licence", "MIT", "--licence", "Apache-2.0"),
    )

    assert result.exit_code == 0, result.output
    manifest = json.loads(result.stdout)
    assert manifest["model_id"] == compact.manifest.model_id
    assert manifest["metrics"][0]["protocol"] == "P"
    assert manifest["licences"] == ["MIT", "Apache-2.0"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "either --checkpoint or --untrained"),
        (("--checkpoint", "absent.safetensors"), "absent.safetensors"),
        (("--checkpoint", "a", "--untrained", "tiny"), "either"),
        (("--checkpoint", "a", "--backbone", "b"), "--backbone goes with --untrained"),
        (("--untrained", "tiny", "--backbone", "absent.npz"), "absent.npz"),
        (("--untrained", "tiny", "--metrics", "absent.json"), "absent.json"),
        (("--untrained", "tiny", "--precision", "fp8"), "fp8"),
    ],
)
def test_usage_errors_exit_with_two(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    result = _run(*arguments, "--out", str(tmp_path / "bundle"))

    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert list(tmp_path.iterdir()) == []
