"""The commands as a user types them, on folders of pictures."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from model.datasets.tracklets import TrackletSource
from model.learning.ablation import ablate
from model.learning.commands import explain, train
from model.synthetic import Kind, preset, synthesise
from service.evaluate import evaluate
from tests.support.people import dataset


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    made = typer.Typer()
    for command in (train, evaluate, ablate, explain):
        made.command()(command)
    return made


def write(half: Path, tracklets: tuple[TrackletSource, ...]) -> None:
    for number, source in enumerate(tracklets):
        folder = half / f"p{source.identity}" / f"c{source.camera}" / str(number)
        folder.mkdir(parents=True)
        for k in range(len(source.frames)):
            (folder / f"{k:03d}.jpg").write_bytes(source.frames.read(k))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    data = dataset()
    write(folder / "train", data.train)
    write(folder / "test", data.protocols[0].query)
    return folder


@pytest.fixture(scope="module")
def weights(app: typer.Typer, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    options = ["--preset", "tiny", "--steps", "8", "--out", str(out)]
    answer = CliRunner().invoke(
        app, ["train", "--dataset", "folders", "--root", str(root), *options]
    )
    assert answer.exit_code == 0, answer.output
    return out / "weights.safetensors"


def test_training_can_be_resumed_when_it_is_done(
    app: typer.Typer, root: Path, weights: Path
) -> None:
    command = ["train", "--dataset", "folders", "--root", str(root), "--preset", "tiny"]
    command += ["--steps", "8", "--out", str(weights.parent)]

    assert CliRunner().invoke(app, [*command, "--resume"]).exit_code == 0
    assert CliRunner().invoke(app, command).exit_code == 2


def test_evaluate_prints_json_and_compares(
    app: typer.Typer, root: Path, weights: Path, tmp_path: Path
) -> None:
    command = ["evaluate", "--dataset", "folders", "--root", str(root), "--model", str(weights)]
    first = CliRunner().invoke(app, [*command, "--json", "--report", str(tmp_path / "r.json")])
    second = CliRunner().invoke(app, [*command, "--against", str(tmp_path / "r.json"), "--json"])

    assert json.loads(first.stdout) == json.loads((tmp_path / "r.json").read_text())
    (report,) = json.loads(second.stdout)["reports"]
    assert report["protocols"][0]["protocol"] == "all against all"
    (difference,) = json.loads(second.stdout)["difference"]
    assert difference["intervals_95"]["rank-1"] == [0, 0]


def test_evaluate_draws_a_matrix_of_models_and_sets(
    app: typer.Typer, root: Path, weights: Path, tmp_path: Path
) -> None:
    command = ["evaluate", "--dataset", "folders", "--root", str(root)]
    command += ["--model", str(weights), "--model", str(weights.parent / "0-cnn.safetensors")]

    answer = CliRunner().invoke(app, [*command, "--pictures", str(tmp_path / "ranks")])

    assert answer.exit_code == 0, answer.output
    assert "rank-1 / mAP" in answer.stdout
    assert list((tmp_path / "ranks").iterdir())


def test_evaluate_asks_a_gallery(app: typer.Typer, root: Path, weights: Path) -> None:
    command = ["evaluate", "--dataset", "folders", "--root", str(root), "--model", str(weights)]

    answer = CliRunner().invoke(app, [*command, "--serving", "--queries", "4", "--json"])

    assert answer.exit_code == 0, answer.output
    (served,) = json.loads(answer.stdout)["serving"]
    assert (served["protocol"], served["frames_per_tracklet"]) == ("all against all", 32)
    assert served["queries"] <= 4
    assert {way["identity"] for way in served["ways"]} == {
        None,
        "best",
        "camera_mean",
        "template",
    }


def test_evaluate_measures_baselines_frames_and_attention_in_one_run(
    app: typer.Typer, weights: Path, tmp_path: Path
) -> None:
    config = preset(
        "tiny",
        kind=Kind.K1,
        identities=4,
        environments=2,
        cameras_per_environment=2,
        second_environment_rate=1.0,
    )
    synthesise(config, tmp_path / "k1")
    command = ["evaluate", "--dataset", "synthetic", "--root", str(tmp_path / "k1")]
    command += ["--model", str(weights), "--baseline", "colour-stripes", "--attention", "6"]
    command += ["--frames", "1", "--frames", "8", "--frames", "32"]

    answer = CliRunner().invoke(app, [*command, "--pictures", str(tmp_path / "looks"), "--json"])

    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    # Tracklets of four frames cannot tell 8 from 32.
    runs = [(Path(one["model"]).name, one["frames_per_tracklet"]) for one in found["reports"]]
    assert runs == [(name, n) for name in (weights.name, "colour-stripes") for n in (1, 8)]
    assert "32 is left out" in answer.stderr
    names = [protocol["protocol"] for protocol in found["reports"][0]["protocols"]]
    assert names == [
        "synthetic K1, held-out people",
        "synthetic K1, all people, same environment",
        "synthetic K1, all people, other environments",
        "synthetic K1, all people",
    ]
    assert len(found["differences_to_baselines"]) == 2 * 4
    (attention,) = found["attention"]
    assert attention["tracklets"] == 6
    assert attention["share_of_clear_frames"]["value"] > 0
    assert found["seconds"] > 0
    assert found["cores"] >= 1
    assert len(list((tmp_path / "looks").glob("attention-*.png"))) == 1


def test_explain_draws_a_picture(
    app: typer.Typer, root: Path, weights: Path, tmp_path: Path
) -> None:
    clip = next((root / "test" / "p100" / "c0").iterdir())
    command = ["explain", "--model", str(weights), "--tracklet", str(clip)]

    answer = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "look.png")])

    assert answer.exit_code == 0, answer.output
    assert (tmp_path / "look.png").stat().st_size > 5000


def test_a_wrong_root_is_one_line_and_a_usage_error(
    app: typer.Typer, weights: Path, tmp_path: Path
) -> None:
    command = ["evaluate", "--dataset", "mars", "--root", str(tmp_path), "--model", str(weights)]

    answer = CliRunner().invoke(app, command)

    assert answer.exit_code == 2
    assert answer.stdout == ""


def test_ablate_trains_and_tests_rows_from_several_seeds(
    app: typer.Typer, root: Path, tmp_path: Path
) -> None:
    config = preset("tiny", seed=1, identities=12, tracklets_per_identity=2, frames_per_tracklet=1)
    synthesise(config, tmp_path / "world")
    page = tmp_path / "page.md"
    page.write_text("# Rows\n\n<!-- ablation -->\nbefore-it\n<!-- end -->\n\nWhat it means.\n")
    command = ["ablate", "--dataset", "folders", "--root", str(root), "--preset", "tiny"]
    command += ["--pretrain", str(tmp_path / "world"), "--steps", "2", "--seeds", "2"]
    command += ["--row", "cnn-three-stages", "--row", "global", "--frames", "2", "--json"]
    command += ["--out", str(tmp_path / "a"), "--table", str(page)]

    answer = CliRunner().invoke(app, command)
    again = CliRunner().invoke(app, command)

    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert [(cell["row"], cell["pretrained"]) for cell in found["cells"]] == [
        ("global", False),
        ("global", True),
        ("cnn-three-stages", False),
        ("cnn-three-stages", True),
    ]
    assert all(len(cell["protocols"][0]["by_seed"]) == 2 for cell in found["cells"])
    # What is finished is read, not trained again: even the seconds stay.
    assert json.loads(again.stdout) == found
    text = page.read_text()
    assert "before-it" not in text
    assert text.endswith("<!-- end -->\n\nWhat it means.\n")
    assert "| + spatial, temporal, global | yes |" in text
    assert "2 steps of" in text
    assert not list((tmp_path / "a").rglob("checkpoint.pt"))
    assert json.loads((tmp_path / "a" / "ablation.json").read_text()) == found

    other = CliRunner().invoke(app, [*command, "--steps", "3"])
    assert other.exit_code == 2
    assert "another recipe" in other.stderr


def test_an_unknown_row_is_a_usage_error(app: typer.Typer, root: Path, tmp_path: Path) -> None:
    command = ["ablate", "--dataset", "folders", "--root", str(root), "--out", str(tmp_path)]

    assert CliRunner().invoke(app, [*command, "--row", "best"]).exit_code == 2
