"""Runs that are killed, resumed, refused; weights that say how they came about."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from export.source import untrained_source
from export.writer import Label, write_bundle
from model.errors import InvalidParameter
from model.learning.checkpoint import CHECKPOINT, load_state
from model.learning.config import FreezeSettings, TrainingConfig
from model.learning.parallel import Processes
from model.learning.presets import recipe, with_budget
from model.learning.progress import LOG
from model.learning.stages import build_stage, describe_initial, recompute_backbone
from model.learning.trainer import LATEST, WEIGHTS, Run, train
from model.network.variants import build_network
from model.network.weights import load_checkpoint, load_weights, model_id
from tests.support.people import dataset

SCRIPT = """
import sys
from pathlib import Path
from tests.model.learning.test_trainer import config, make_run
from model.learning.trainer import train
train(make_run(Path(sys.argv[1]), config(24)), resume="--resume" in sys.argv, init=None)
"""


def config(steps: int = 8, **changes: Any) -> TrainingConfig:
    every = {"log_every": 2, "checkpoint_every": 2, "evaluate_every": 100}
    return with_budget(recipe("tiny"), steps).model_copy(update=every | changes)


def make_run(folder: Path, recipe: TrainingConfig) -> Run:
    data = dataset()
    return Run(
        config=recipe,
        dataset=data,
        development=data.protocols[0],
        folder=folder,
        device=torch.device("cpu"),
        processes=Processes(),
        source="random",
    )


def log(folder: Path) -> list[dict[str, Any]]:
    """Losses and scores by stage and step; the rate of work is no result."""
    lines = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "frames_per_second"} for line in lines]


def in_process(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT, str(folder), *arguments]
    return subprocess.Popen(command, env=environment, cwd=root, stderr=subprocess.DEVNULL)


def test_a_killed_run_goes_on_with_the_same_numbers(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert in_process(whole).wait(timeout=120) == 0
    victim = in_process(killed)
    deadline = time.monotonic() + 120
    while not (killed / CHECKPOINT).exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    victim.send_signal(signal.SIGKILL)
    victim.wait(timeout=10)
    assert not (killed / WEIGHTS).exists()
    # What it leaves can be used as it is, and says how far it came.
    latest = load_checkpoint(killed / LATEST).training
    assert 0 < latest["steps"] <= 24

    assert in_process(killed, "--resume").wait(timeout=120) == 0

    assert model_id(load_weights(killed / WEIGHTS)) == model_id(load_weights(whole / WEIGHTS))
    expected, found = log(whole), log(killed)
    assert all(line in expected for line in found)
    assert found[-1] == expected[-1]


def test_weights_say_how_they_came_about(tmp_path: Path) -> None:
    final = train(make_run(tmp_path, config()), resume=False, init=None)

    checkpoint = load_checkpoint(final)

    assert checkpoint.training["data"] == "made-up"
    assert checkpoint.training["identities"] == 12
    assert checkpoint.training["stage"] == "stt-gt"
    assert TrainingConfig.model_validate(checkpoint.training["recipe"]) == config()
    assert (tmp_path / "0-cnn.safetensors").exists()
    assert load_checkpoint(tmp_path / "1-stt-gt-best.safetensors").training["development"]["mAP"]


def test_the_log_has_every_loss_the_rate_and_scores(tmp_path: Path) -> None:
    train(make_run(tmp_path, config()), resume=False, init=None)

    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]

    losses = next(line for line in lines if line["stage"] == "stt-gt" and "loss/total" in line)
    parts = [value for name, value in losses.items() if name.startswith("loss/")]
    assert losses["loss/total"] == pytest.approx(sum(parts) - losses["loss/total"], rel=1e-4)
    assert losses["frames_per_second"] > 0
    assert any("all against all/mAP" in line for line in lines)
    assert list((tmp_path / "tensorboard" / "cnn").iterdir())


def test_a_folder_with_a_run_is_not_overwritten(tmp_path: Path) -> None:
    train(make_run(tmp_path, config()), resume=False, init=None)

    with pytest.raises(InvalidParameter, match="resume"):
        train(make_run(tmp_path, config()), resume=False, init=None)
    with pytest.raises(InvalidParameter, match="another recipe"):
        train(make_run(tmp_path, config(10)), resume=True, init=None)


def test_a_broken_checkpoint_is_refused(tmp_path: Path) -> None:
    train(make_run(tmp_path, config()), resume=False, init=None)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:1000])

    with pytest.raises(InvalidParameter, match="not a usable checkpoint"):
        load_state(tmp_path)


def test_a_whole_network_to_start_from_skips_the_convolutional_stage(tmp_path: Path) -> None:
    first = train(make_run(tmp_path / "a", config()), resume=False, init=None)

    train(make_run(tmp_path / "b", config()), resume=False, init=first)

    assert not (tmp_path / "b" / "0-cnn.safetensors").exists()
    assert (tmp_path / "b" / WEIGHTS).exists()


def test_weights_that_go_on_from_others_say_how_those_came_about(tmp_path: Path) -> None:
    first = train(make_run(tmp_path / "a", config()), resume=False, init=None)
    source, before = describe_initial(first)
    run = Run(**vars(make_run(tmp_path / "b", config())) | {"source": source, "before": before})

    training = load_checkpoint(train(run, resume=False, init=first)).training

    assert training["initial_weights"] == "weights.safetensors"
    assert training["before"] == load_checkpoint(first).training


def test_initial_weights_are_called_by_what_they_are(tmp_path: Path) -> None:
    bundle, strange = tmp_path / "bundle", tmp_path / "resnet50.npz"
    manifest = write_bundle(untrained_source("tiny", None, 0), bundle, Label("b", "1"), "fp32")
    strange.write_bytes(b"none of ours")

    assert describe_initial(None) == ("random", None)
    assert describe_initial(strange) == ("resnet50.npz", None)
    assert describe_initial(bundle) == (f"b 1 ({manifest.model_id})", manifest.training)


def test_a_bundle_starts_only_what_keeps_its_folded_batch_norms(tmp_path: Path) -> None:
    write_bundle(untrained_source("tiny", None, 0), tmp_path / "bundle", Label("b", "1"), "fp32")
    whole = config().stages[1]
    frozen = whole.model_copy(update={"freeze": FreezeSettings(statistics=True)})
    keeping = config().model_copy(update={"stages": (frozen,)})

    final = train(make_run(tmp_path / "a", keeping), resume=False, init=tmp_path / "bundle")

    assert final.exists()
    with pytest.raises(InvalidParameter, match="folded"):
        train(make_run(tmp_path / "b", config()), resume=False, init=tmp_path / "bundle")


def test_nothing_to_train_on_is_an_error(tmp_path: Path) -> None:
    run = make_run(tmp_path, config())
    empty = Run(**vars(run) | {"dataset": type(run.dataset)("empty", (), ())})

    with pytest.raises(InvalidParameter, match="no tracklets to train on"):
        train(empty, resume=False, init=None)


def test_identity_initialisation_starts_where_the_cnn_ended(tmp_path: Path) -> None:
    run = make_run(tmp_path, config())
    _, maker = run.maker(1)
    cnn = build_network(run.config.stages[0].network)
    stage = run.config.stages[1]

    begun = build_stage(stage, cnn, 12, maker, seed=0)
    from_scratch = build_stage(
        stage.model_copy(update={"identity_initialise": False}), cnn, 12, maker, seed=0
    )

    theirs, ours = cnn.backbone.state_dict(), begun.backbone.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    values = begun.get_parameter("temporal.layers.0.attention.value.weight")
    assert torch.equal(values, torch.eye(len(values)))
    values = from_scratch.get_parameter("temporal.layers.0.attention.value.weight")
    assert not torch.equal(values, torch.eye(len(values)))


def test_recomputed_activations_change_neither_names_nor_gradients() -> None:
    config = recipe("tiny").stages[1].network
    torch.manual_seed(0)
    plain = build_network(config).eval()
    again = build_network(config).eval()
    again.load_state_dict(plain.state_dict())
    recompute_backbone(again)
    frames = torch.randint(0, 256, (2, 3, 64, 32, 3), dtype=torch.uint8)

    for network in (plain, again):
        network(frames).embedding.square().mul(torch.arange(96)).sum().backward()

    assert plain.state_dict().keys() == again.state_dict().keys()
    for one, two in zip(plain.parameters(), again.parameters(), strict=True):
        if one.grad is not None and two.grad is not None:
            assert torch.allclose(one.grad, two.grad, atol=1e-5)
