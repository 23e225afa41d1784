"""The picture of a training shows what its log says."""

import json
from pathlib import Path

import pytest

from benchmarks.training_curves import draw, read_log
from model.errors import InvalidParameter

LOG = [
    {"stage": "cnn", "step": 20, "loss/contrast": 3.0, "loss/total": 3.0, "learning_rate": 1e-4},
    {"stage": "stt-gt", "step": 20, "loss/contrast": 2.0, "loss/unused": 0.0, "loss/total": 2.0},
    {"stage": "stt-gt", "step": 40, "loss/contrast": 1.0, "loss/unused": 0.0, "loss/total": 1.0},
    {"stage": "stt-gt", "step": 40, "unseen/rank-1": 0.75, "unseen/mAP": 0.5},
]


def test_every_stage_has_its_losses_and_its_scores(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in LOG))

    draw(read_log(log), tmp_path / "curves.svg")

    picture = (tmp_path / "curves.svg").read_text()
    for text in ("cnn: losses", "stt-gt: losses", "unseen/rank-1", "unseen/mAP"):
        assert text in picture
    assert "unused" not in picture


def test_steps_that_a_resumed_run_wrote_again_count_once(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    again = [LOG[1] | {"loss/contrast": 5.0}, *LOG[2:]]
    log.write_text("".join(json.dumps(line) + "\n" for line in [*LOG, *again]))

    lines = read_log(log)["stt-gt"]

    assert [line["step"] for line in lines] == [20, 40, 40]
    assert lines[0]["loss/contrast"] == 5.0


def test_a_folder_without_a_training_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter):
        read_log(tmp_path / "log.jsonl")
    (tmp_path / "log.jsonl").touch()
    with pytest.raises(InvalidParameter):
        read_log(tmp_path / "log.jsonl")
