"""The model card holds what the reports say, and refuses what they do not."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.model_card import _training, model_card
from model.bundle import Manifest
from model.errors import InvalidParameter

FIGURE = {"value": 0.31, "interval_95": [0.21, 0.41]}


def protocol(value: float) -> dict[str, Any]:
    return {
        "protocol": "synthetic K3, all people",
        "scores": {"rank-1": value, "mAP": value},
        "intervals_95": {"rank-1": [value - 0.1, value + 0.1], "mAP": [0.111, 0.999]},
        "per_query": {
            "identity": [1, 1, 2, 2],
            "first_match_rank": [1, 1, 2, 2],
            "average_precision": [value] * 4,
            "inverse_penalty": [value] * 4,
        },
    }


def report(model: str, value: float) -> dict[str, Any]:
    return {
        "model": model,
        "dataset": "synthetic-k3-00",
        "frames_per_tracklet": 8,
        "protocols": [protocol(value)],
    }


@pytest.fixture
def evaluation(fake_bundle: Path) -> dict[str, Any]:
    ours = str(fake_bundle)
    difference = {
        "model": ours,
        "baseline": "colour-stripes",
        "frames_per_tracklet": 8,
        "protocol": "synthetic K3, all people",
        "intervals_95": {"mAP": [0.123, 0.234]},
    }
    return {
        "reports": [
            report(ours, 0.612),
            report("runs/weights.safetensors", 0.617),
            report("colour-stripes", 0.1),
        ],
        "differences_to_baselines": [difference],
        "attention": [
            {"model": ours, "dataset": "synthetic-k3-00", "share_of_hidden_frames": FIGURE}
        ],
        "machine": "a processor",
        "cores": 2,
        "seconds": 90.0,
    }


@pytest.fixture
def calibration(fake_bundle: Path) -> dict[str, Any]:
    rates = [
        {"far": 0.01, "threshold": 0.456, "impostor_pairs": 9000, "realised": {"k2": 0.01}},
        {"far": 0.0001, "threshold": None, "impostor_pairs": 9000, "realised": {}},
    ]
    return {
        "model_id": Manifest.load(fake_bundle).model_id,
        "data": "synthetic",
        "source": {"people": 77, "cameras": 6, "genuine_pairs": 5, "impostor_pairs": 9000},
        "tables": [{"camera_normalised": False, "rates": rates}],
    }


def test_every_figure_comes_from_a_report(
    fake_bundle: Path, evaluation: dict[str, Any], calibration: dict[str, Any]
) -> None:
    text = model_card(fake_bundle, evaluation, calibration)

    for shown in ("61.2 (51.2 to 71.2)", "+12.3 to +23.4", "0.31 | 0.21 to 0.41", "0.456"):
        assert shown in text
    assert "| 1e-04 | no support | 9000 | – |" in text
    assert "| -0.50 | -0.50 to -0.50 |" in text  # the file against its checkpoint
    assert Manifest.load(fake_bundle).sha256 in text
    assert not re.search(r"\{\{|\}\}", text)


def test_a_loss_that_was_not_measured_is_said_to_be_so(
    fake_bundle: Path, evaluation: dict[str, Any], calibration: dict[str, Any]
) -> None:
    del evaluation["reports"][1]

    assert "was not measured" in model_card(fake_bundle, evaluation, calibration)


def test_reports_about_something_else_are_refused(
    fake_bundle: Path, evaluation: dict[str, Any], calibration: dict[str, Any]
) -> None:
    without_attention = copy.deepcopy(evaluation) | {"attention": []}
    without_baselines = copy.deepcopy(evaluation) | {"differences_to_baselines": []}
    of_others = copy.deepcopy(evaluation) | {"reports": evaluation["reports"][1:]}

    for wrong in (without_attention, without_baselines, of_others):
        with pytest.raises(InvalidParameter):
            model_card(fake_bundle, wrong, calibration)
    with pytest.raises(InvalidParameter, match="another model"):
        model_card(fake_bundle, evaluation, calibration | {"model_id": "f" * 16})


def test_a_training_that_went_on_from_another_stands_beside_it() -> None:
    first = {"data": "a", "initial_weights": "resnet50.npz", "steps": 10, "before": None}
    second = {"data": "b", "initial_weights": "mine 1 (0123)", "steps": 20, "before": first}
    lines = _training(second).splitlines()

    assert lines[0] == "|  | last training | the one before |"
    assert "| data | b | a |" in lines
    assert "| initial weights | mine 1 (0123) | resnet50.npz |" in lines
