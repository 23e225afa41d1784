import json
from pathlib import Path

import numpy as np
import pytest

from indexer.calibration import decisions_of, fitting_calibration, identity_rate
from model.bundle import CALIBRATION
from model.calibration import Calibration
from tests.support.calibrations import make_calibration

MODEL_ID = "0123456789abcdef"


def found(
    gallery: Path, bundle: Calibration | None = None
) -> tuple[Calibration | None, list[tuple[str, str]]]:
    """What fits, and what was passed over and why."""
    unused: list[tuple[str, str]] = []
    supplied = None if bundle is None else bundle.model_dump(mode="json")
    fitting = fitting_calibration(MODEL_ID, gallery, supplied, lambda *why: unused.append(why))
    return fitting, unused


def test_the_gallerys_own_calibration_overrules_the_bundles(tmp_path: Path) -> None:
    own = make_calibration(MODEL_ID, data="gallery")
    (tmp_path / CALIBRATION).write_text(own.model_dump_json())

    assert found(tmp_path, make_calibration(MODEL_ID)) == (own, [])


def test_without_one_in_the_gallery_the_bundles_holds(tmp_path: Path) -> None:
    supplied = make_calibration(MODEL_ID)

    assert found(tmp_path, supplied) == (supplied, [])
    assert found(tmp_path) == (None, [])


def test_a_calibration_of_another_model_gives_way_to_one_that_fits(tmp_path: Path) -> None:
    (tmp_path / CALIBRATION).write_text(make_calibration("f" * 16).model_dump_json())
    supplied = make_calibration(MODEL_ID)

    assert found(tmp_path, supplied) == (supplied, [("gallery", "of another model")])


@pytest.mark.parametrize("content", ["not JSON", "{}", '{"format": 1}'])
def test_an_unreadable_calibration_is_passed_over_and_named(tmp_path: Path, content: str) -> None:
    (tmp_path / CALIBRATION).write_text(content)

    assert found(tmp_path) == (None, [("gallery", "unreadable")])


def test_no_table_for_the_scoring_in_use_means_no_decisions() -> None:
    raw = make_calibration(MODEL_ID, camera_normalised=False)

    assert decisions_of(raw, prior=0.01, camera_normalised=False) is not None
    assert decisions_of(raw, prior=0.01, camera_normalised=True) is None
    assert decisions_of(None, prior=0.01) is None


def test_a_table_made_with_other_camera_statistics_is_marked_stale() -> None:
    normalised = make_calibration(MODEL_ID, camera_normalised=True, statistics_generation=7)

    def is_stale(generation: int) -> bool:
        decisions = decisions_of(
            normalised, prior=0.01, camera_normalised=True, generation=generation
        )
        assert decisions is not None
        return decisions.stale

    assert not is_stale(7)
    assert is_stale(8)


def test_the_prior_moves_the_probability_and_not_the_threshold() -> None:
    calibration = make_calibration(MODEL_ID, values=(-5.0, 5.0))
    rare, even = (decisions_of(calibration, prior=prior) for prior in (0.01, 0.5))

    assert rare is not None
    assert even is not None
    assert even.probability(0.5, 8) == pytest.approx(0.5)
    assert rare.probability(0.5, 8) == pytest.approx(0.01)
    assert rare.threshold(0.1) == even.threshold(0.1) == 0.2


@pytest.mark.parametrize("far", [1e-4, 1e-2, 0.1])
def test_an_identity_passes_as_often_as_any_of_its_pairs_does(far: float) -> None:
    rng = np.random.default_rng(0)
    assert identity_rate(far, 1) == pytest.approx(far)
    for comparisons in (2, 7, 40):
        passed = (rng.random((200_000, comparisons)) < far).any(axis=1).mean()
        rate = identity_rate(far, comparisons)
        assert passed == pytest.approx(rate, abs=4 * (rate / 200_000) ** 0.5)
    assert identity_rate(far, 10**9) == 1


def test_a_calibration_survives_being_written_and_read() -> None:
    calibration = make_calibration(MODEL_ID)

    assert Calibration.model_validate(json.loads(calibration.model_dump_json())) == calibration
