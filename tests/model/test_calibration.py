import pytest
from pydantic import ValidationError

from model.calibration import Calibration, Evidence, Rate, Table, has_support
from tests.support.calibrations import make_calibration


def evidence(least: int, most: int | None, height: float) -> Evidence:
    return Evidence(
        least_frames=least,
        most_frames=most,
        genuine_pairs=1,
        impostor_pairs=1,
        cosines=(0.0, 1.0),
        values=(-height, height),
    )


def table(*thresholds: tuple[float, float | None], llr: tuple[Evidence, ...] = ()) -> Table:
    rates = tuple(Rate(far=far, threshold=one, impostor_pairs=1) for far, one in thresholds)
    return Table(camera_normalised=False, rates=rates, llr=llr)


@pytest.mark.parametrize(
    ("far", "pairs", "people", "supported"),
    [
        (1e-4, 300_000, 500, True),
        (1e-4, 299_999, 500, False),
        (1e-4, 300_000, 499, False),
        (1e-1, 300, 16, True),
        (1e-1, 299, 16, False),
        (1e-1, 300, 15, False),
    ],
)
def test_a_rate_needs_pairs_and_people(
    far: float, pairs: int, people: int, supported: bool
) -> None:
    assert has_support(far, pairs, people) is supported


def test_between_two_rates_the_stricter_one_decides() -> None:
    listed = table((1e-1, 0.3), (1e-2, 0.5), (1e-3, None))

    assert listed.threshold(1e-1) == 0.3
    assert listed.threshold(5e-2) == 0.5
    assert listed.threshold(1e-2) == 0.5
    assert listed.threshold(5e-3) is None
    assert listed.threshold(1e-5) is None


def test_evidence_is_that_of_the_pairs_number_of_frames() -> None:
    strata = table(llr=(evidence(1, 1, 2.0), evidence(8, None, 6.0)))

    assert strata.evidence(1.0, 1) == pytest.approx(2.0)
    assert strata.evidence(1.0, 32) == pytest.approx(6.0)
    assert strata.evidence(1.0, 4) is None
    assert strata.probability(1.0, 4, 0.5) is None


def test_beyond_the_measured_cosines_evidence_does_not_grow() -> None:
    one = table(
        llr=(Evidence(genuine_pairs=1, impostor_pairs=1, cosines=(0.2, 0.4), values=(-1, 1)),)
    )

    assert one.evidence(-1.0, 1) == -1
    assert one.evidence(1.0, 1) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"cosines": (0.4, 0.2)},
        {"cosines": (0.1, 0.2, 0.3)},
        {"values": (0.0, float("inf"))},
    ],
)
def test_evidence_increases_and_is_finite(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Evidence.model_validate(evidence(1, None, 1.0).model_dump() | wrong)


def test_one_table_for_each_way_of_scoring() -> None:
    twice = make_calibration("0" * 16).model_dump()
    twice["tables"] = twice["tables"] * 2

    with pytest.raises(ValidationError, match="one table"):
        Calibration.model_validate(twice)
