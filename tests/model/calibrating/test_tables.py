import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from model.calibrating.pairs import Pairs, Population
from model.calibrating.reliability import draw_reliability
from model.calibrating.storing import store
from model.calibrating.tables import measure
from model.calibration import Calibration
from tests.support.calibrations import make_calibration
from tests.support.cosines import normal_pairs


def population(
    name: str = "k2", least: int = 1, most: int | None = None, **law: float
) -> Population:
    return Population(name, least, most, normal_pairs(**law))  # type: ignore[arg-type]


def shifted(pairs: Pairs, by: float) -> Pairs:
    return Pairs(
        pairs.genuine + np.float32(by),
        pairs.genuine_people,
        pairs.impostor + np.float32(by),
        pairs.impostor_people,
    )


def test_rates_without_support_are_null() -> None:
    table = measure([population(people=200, impostor=20_000)], [], camera_normalised=False).table

    thresholds = {rate.far: rate.threshold for rate in table.rates}
    assert thresholds[1e-1] == pytest.approx(0.128, abs=0.01)
    assert thresholds[1e-2] == pytest.approx(0.233, abs=0.01)
    assert thresholds[1e-3] is None  # 30,000 pairs
    assert thresholds[1e-4] is None


def test_many_pairs_of_few_people_support_no_strict_rate() -> None:
    table = measure([population(people=20, impostor=400_000)], [], camera_normalised=False).table

    assert table.threshold(1e-1) is not None
    assert table.threshold(1e-2) is None


def test_the_kind_that_needs_the_highest_threshold_decides() -> None:
    easy = population("k2")
    hard = Population("k3", 1, None, shifted(normal_pairs(seed=1), 0.1))

    measured = measure([easy], [hard], camera_normalised=True)

    alone = measure([hard], [], camera_normalised=True).table
    rate = measured.table.rates[1]
    assert rate.threshold == alone.rates[1].threshold
    assert rate.realised["k3"] == pytest.approx(1e-2, abs=1e-3)
    assert rate.realised["k2"] < rate.realised["k3"] / 3
    assert all(found <= rate.far for found in rate.realised.values())


def test_a_kind_without_support_does_not_decide() -> None:
    few = Population("k3", 1, None, shifted(normal_pairs(impostor=50, people=8), 0.3))

    with_few = measure([population()], [few], camera_normalised=False).table

    assert with_few.threshold(1e-2) == measure(
        [population()], [], camera_normalised=False
    ).table.threshold(1e-2)


def test_ratios_are_fitted_on_the_given_kinds_and_judged_on_all() -> None:
    other = Population("k3", 1, None, shifted(normal_pairs(seed=1), 0.1))

    measured = measure([population()], [other], camera_normalised=False)

    assert measured.table.llr == measure([population()], [], camera_normalised=False).table.llr
    quality = {one["name"]: one["likelihood_ratio"] for one in measured.report["populations"]}
    assert quality["k2"]["cllr"] < quality["k3"]["cllr"]
    assert quality["k3"]["cllr"] - quality["k3"]["least_cllr"] > 0.01
    assert set(measured.curves) == {"k2, 1 frames or more", "k3, 1 frames or more"}
    json.dumps(measured.report, allow_nan=False)


def test_numbers_of_frames_are_told_apart_only_where_they_differ() -> None:
    alike = [population(least=1, most=1), population(least=8, most=None, seed=5)]
    unlike = [population(least=1, most=1, mean=0.15), population(least=8, most=None, mean=0.6)]

    together = measure(alike, [], camera_normalised=False).table
    apart = measure(unlike, [], camera_normalised=False).table

    assert [(one.least_frames, one.most_frames) for one in together.llr] == [(1, None)]
    assert [(one.least_frames, one.most_frames) for one in apart.llr] == [(1, 1), (8, None)]
    assert apart.evidence(0.5, 1) != apart.evidence(0.5, 32)


def test_what_was_measured_on_short_tracklets_says_nothing_of_long_ones() -> None:
    table = measure([population(least=2, most=7)], [], camera_normalised=False).table

    assert table.evidence(0.5, 4) is not None
    assert table.evidence(0.5, 8) is None
    assert table.evidence(0.5, 1) is None


def test_without_genuine_pairs_there_are_rates_but_no_probabilities() -> None:
    pairs = normal_pairs()
    impostors = Pairs(
        pairs.genuine[:0], pairs.genuine_people[:0], pairs.impostor, pairs.impostor_people
    )

    measured = measure([Population("gallery", 1, None, impostors)], [], camera_normalised=False)

    assert measured.table.threshold(1e-2) is not None
    assert measured.table.llr == ()
    assert measured.curves == {}


def test_without_any_pairs_everything_is_null() -> None:
    none = normal_pairs().among(np.zeros(0, np.int64))

    measured = measure([Population("gallery", 1, None, none)], [], camera_normalised=False)

    assert [rate.threshold for rate in measured.table.rates] == [None] * 4
    assert [rate.impostor_pairs for rate in measured.table.rates] == [0] * 4
    assert measured.table.llr == ()


def test_no_claim_is_stronger_than_the_strictest_supported_rate() -> None:
    table = measure([population(mean=0.9)], [], camera_normalised=False).table

    (evidence,) = table.llr
    assert max(evidence.values) <= np.log(100) + 1e-9  # 1e-2 has support, 1e-3 has not
    assert min(evidence.values) >= -np.log(200) - 1e-9  # 200 people


def test_the_picture_is_an_svg_with_a_curve_for_each_population(tmp_path: Path) -> None:
    long = "<k3> of a name that is longer than the diagram is wide"
    measured = measure([population("k2")], [population(long, seed=1)], camera_normalised=False)
    path = tmp_path / "reliability.svg"

    draw_reliability(measured.curves, "synthetic", path)

    drawn = ElementTree.fromstring(path.read_text())
    lines = [one for one in drawn.iter() if one.tag.endswith("polyline")]
    assert len(lines) == 2
    texts = [one for one in drawn.iter() if one.tag.endswith("text") and one.text]
    assert any("<k3>" in str(one.text) for one in texts)
    for one in texts:
        if "text-anchor" not in one.attrib:  # it begins at x and must end within the picture
            assert float(one.attrib["x"]) + 6 * len(str(one.text)) < float(drawn.attrib["width"])


def test_a_calibration_is_replaced_whole_and_readable_by_whoever_reads_the_folder(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir(mode=0o755)
    store(make_calibration("0" * 16), folder)
    path = store(make_calibration("1" * 16), folder)

    assert Calibration.model_validate_json(path.read_bytes()).model_id == "1" * 16
    assert [one.name for one in folder.iterdir()] == ["calibration.json"]
    assert path.stat().st_mode & 0o777 == 0o644
