"""`sightline calibrate` as a person calls it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from model.bundle import CALIBRATION, Manifest
from model.calibration import Calibration
from model.synthetic import Kind, preset, synthesise
from service.calibrate import calibrate
from tests.support.fake_bundle import make_bundle
from tests.support.galleries import make_gallery, tracklet


def run(*arguments: object) -> Any:
    app = typer.Typer()
    app.command()(calibrate)
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small worlds of different kinds, without the posts and hedges that take time."""
    folder = tmp_path_factory.mktemp("worlds")
    for kind in (Kind.K1, Kind.K2):
        config = preset("tiny", kind=kind, identities=20, frames_per_tracklet=2, frame_height=64)
        synthesise(config, folder / kind)
    return folder


def test_a_bundle_is_calibrated_from_worlds(worlds: Path, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    picture, report = tmp_path / "out.svg", tmp_path / "report.json"
    data = ("--root", worlds / "k2", "--check", worlds / "k1", "--workers", 0)

    done = run(*data, "--model", bundle, "--picture", picture, "--report", report, "--json")

    assert done.exit_code == 0, done.output
    calibration = Calibration.model_validate_json((bundle / CALIBRATION).read_bytes())
    answer = json.loads(done.stdout)
    assert answer == json.loads(report.read_text())
    assert calibration.model_id == answer["model_id"] == Manifest.load(bundle).model_id
    assert calibration.data == "synthetic"
    assert calibration.source.people == 20
    assert [name[:12] for name in calibration.source.kinds] == ["synthetic-k2"]
    raw, normalised = calibration.tables
    assert (raw.camera_normalised, normalised.camera_normalised) == (False, True)
    (tenth,) = [rate for rate in raw.rates if rate.far == 0.1]
    assert tenth.threshold is not None
    assert {name[:12] for name in tenth.realised} == {"synthetic-k1", "synthetic-k2"}
    assert max(tenth.realised.values()) <= 0.1
    assert raw.threshold(1e-4) is None
    strata = {one["frames"] for one in answer["tables"][0]["populations"]}
    assert strata == {"1 frame", "2 to 7 frames"}
    assert picture.exists()
    assert picture.with_stem("out-camera-normalised").exists()


def test_a_gallery_is_calibrated_on_site(fake_bundle: Path, tmp_path: Path) -> None:
    manifest = Manifest.load(fake_bundle)
    options = {"model_id": manifest.model_id, "width": manifest.embedding_width}
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with make_gallery(tmp_path / "gallery", **options) as gallery:
        gallery.enrol_many(
            [
                tracklet(
                    f"t{seed}",
                    seed,
                    model_id=manifest.model_id,
                    width=manifest.embedding_width,
                    camera="door",
                    captured_at=noon,
                    captured_until=noon + timedelta(seconds=5),
                )
                for seed in range(30)
            ],
            actor="test",
        )

    done = run("--gallery", tmp_path / "gallery", "--model", fake_bundle)

    assert done.exit_code == 0, done.output
    path = tmp_path / "gallery" / CALIBRATION
    calibration = Calibration.model_validate_json(path.read_bytes())
    assert calibration.data == "gallery"
    threshold = calibration.tables[0].threshold(0.1)
    assert threshold is not None
    assert np.isfinite(threshold)
    assert "gallery data, raw scores" in done.stdout
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--root"),
        (("--root", "x", "--gallery", "y"), "--root"),
        (("--root", "x", "--picture", "y.png"), "svg"),
        (("--root", "/nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    fake_bundle: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = run(*arguments, "--model", fake_bundle)

    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.output
