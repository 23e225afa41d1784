"""The ablation's page from what its trials wrote."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.errors import InvalidParameter
from model.learning.ablation_table import markdown, summarise, write_page
from model.learning.experiment import PLAN, Cell, Trial

SETUP = {
    "recipe": "ablation",
    "height": 64,
    "width": 32,
    "steps": 250,
    "frames_per_step": 128,
    "seeds": 2,
    "initial_weights": "net.npz",
    "baseline_initialised": False,
    "dataset": "synthetic-k1",
    "train_people": 20,
    "train_tracklets": 60,
    "pretraining": None,
    "machine": "a processor",
    "cores": 2,
}


def trial(cell: Cell, seed: int, gain: float) -> Trial:
    """A trial over the same 60 queries of 20 people as any other."""
    noise = np.random.default_rng(seed)
    precision = np.clip(np.random.default_rng(7).uniform(0.2, 0.7, 60) + gain, 0, 1)
    precision = np.clip(precision + noise.normal(0, 0.01, 60), 0, 1)
    report: dict[str, Any] = {
        "train_seconds": 30.0,
        "train_frames": 32_000,
        "protocols": [
            {
                "protocol": "synthetic K1, held-out people",
                "valid_queries": 60,
                "scores": {"rank-1": float(np.mean(precision > 0.5)), "mAP": precision.mean()},
                "per_query": {
                    "identity": np.repeat(np.arange(20), 3).tolist(),
                    "first_match_rank": np.where(precision > 0.5, 1, 3).tolist(),
                    "average_precision": precision.tolist(),
                    "inverse_penalty": precision.tolist(),
                },
            }
        ],
    }
    return Trial(cell, seed, report)


def answer(gains: dict[str, float]) -> dict[str, Any]:
    cells = [cell for cell in PLAN if cell.name in gains]
    trials = [trial(cell, seed, gains[cell.name]) for seed in (0, 1) for cell in cells]
    return {"setup": SETUP, "cells": summarise(trials)}


def test_a_row_is_compared_with_the_one_it_changes_over_the_same_people_and_seeds() -> None:
    found = answer({"cnn": 0.0, "vanilla": -0.1, "spatial": -0.1})["cells"]

    base, vanilla, spatial = (cell["protocols"][0] for cell in found)
    assert "difference" not in base
    assert vanilla["difference"]["mAP"] == pytest.approx(-0.1, abs=0.01)
    assert vanilla["difference_95"]["mAP"][1] < 0
    low, high = spatial["difference_95"]["mAP"]
    assert low < 0.005
    assert high > -0.005
    assert len(base["by_seed"]) == 2


def test_a_row_whose_other_was_not_run_stands_alone() -> None:
    (found,) = answer({"global": 0.1})["cells"]

    assert "difference" not in found["protocols"][0]


def test_the_page_says_what_the_budget_was_and_marks_only_what_was_shown() -> None:
    text = markdown(answer({"cnn": 0.0, "vanilla": -0.1, "cnn-three-stages": 0.0}))

    rows = {line.split(" | ")[0]: line for line in text.splitlines() if line.startswith("| ")}
    assert "250 steps of 128 frames" in text
    assert "3 minutes of training" in text
    assert "Not pre-trained" in text
    assert "baseline has more starts from random weights" in text
    assert "**-10" in rows["| vanilla Transformer"]
    assert "**" not in rows["| CNN, the stages that the others have"]
    assert text.index("The paper's rows") < text.index("Controls")


def test_a_page_is_made_where_there_is_none_and_prose_is_kept(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "ablation.md"
    write_page(page, answer({"cnn": 0.0}))
    page.write_text(page.read_text() + "\nIt means little.\n")

    write_page(page, answer({"cnn": 0.0, "vanilla": -0.1}))

    text = page.read_text()
    assert text.startswith("# The ablation\n")
    assert text.count("vanilla Transformer") == 1
    assert text.endswith("It means little.\n")


def test_a_page_without_a_place_for_the_table_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Mine\n")

    with pytest.raises(InvalidParameter, match="no place"):
        write_page(page, answer({"cnn": 0.0}))

    assert page.read_text() == "# Mine\n"
