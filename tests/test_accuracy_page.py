"""docs/accuracy.md is made of measurements: each table has its place, each picture its curve."""

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import accuracy, scoring_costs, situations
from benchmarks.choice import by_count, choose, with_deviation
from benchmarks.curves import Point, draw_bars, draw_curves
from benchmarks.machine import ROOT
from benchmarks.situations import BAD, CURVE, Place, known_people, known_tracklets, measure
from model.reports import read_json
from tests.support.cameras import seen

PAGE = ROOT / "docs" / "accuracy.md"


@pytest.fixture(scope="module")
def places() -> list[Place]:
    """Thirty people before three cameras that pull embeddings their own way."""
    rows = [(person, camera) for person in range(30) for camera in range(3)]
    vectors = np.stack([seen(person, f"c{camera}", camera) for person, camera in rows])
    people, cameras = np.array(rows, np.int64).T
    return [Place(vectors.astype(np.float16), people, cameras)]


def test_nothing_known_changes_nothing_and_more_helps(places: list[Place]) -> None:
    gains = {count: measure(places, known_tracklets(count)) for count in (0, 20, 1000)}
    assert (gains[0].gain, gains[0].gain_95) == (0, (0, 0))
    assert gains[20].gain > 0
    assert gains[1000].gain > 0
    low, high = gains[20].gain_95
    assert low <= gains[20].gain <= high
    assert gains[20].queries == 4 * 90


def test_people_count_and_not_tracklets(places: list[Place]) -> None:
    """Taking away the mean of one person's many tracklets takes the person away."""
    one = known_people(1, 200)
    assert measure(places, one).gain >= 0
    assert measure(places, one, by_count).gain < -0.1


@pytest.mark.parametrize("name", list(BAD))
def test_bad_situations_are_made_of_the_place_alone(places: list[Place], name: str) -> None:
    here, known = BAD[name](places[0], np.random.default_rng(0))
    assert set(known) == set(here.names) <= set(places[0].names)
    for rows in known.values():
        np.testing.assert_allclose(np.linalg.norm(rows.astype(np.float32), axis=1), 1, atol=2e-3)
    assert with_deviation(here, known).shape == here.vectors.shape


def test_the_page_has_a_place_for_every_table(
    places: list[Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read_json(accuracy.RESULTS)
    assert set(found["curve"]["K1"]) == set(CURVE)
    assert set(found["bad"]["K3"]) == set(BAD)
    monkeypatch.setattr(situations, "_DRAWS", 1)
    monkeypatch.setattr("benchmarks.choice.WORST", ("every camera knows one person",))
    found["choice"] = choose(places)
    page = tmp_path / "accuracy.md"
    page.write_text(PAGE.read_text("utf-8"), "utf-8")
    accuracy.write_page(found, page)
    text = page.read_text("utf-8")
    for heading, made in accuracy.sections(found).items():
        assert f"<!-- {heading} -->\n{made}<!-- /{heading} -->" in text
    accuracy.draw(found, tmp_path / "pictures")
    for picture in re.findall(r'src="(pictures/accuracy-[^"]+)"', text):
        assert (tmp_path / picture).read_text("utf-8").endswith("</svg>\n")
        assert (ROOT / "docs" / picture).exists()


def test_the_page_shows_what_was_measured_last() -> None:
    found, text = read_json(accuracy.RESULTS), PAGE.read_text("utf-8")
    for heading, made in accuracy.sections(found).items():
        assert f"<!-- {heading} -->\n{made}<!-- /{heading} -->" in text


def test_the_page_shows_what_it_costs() -> None:
    costs = scoring_costs.costs(read_json(scoring_costs.RESULTS))
    assert f"<!-- costs -->\n{costs}<!-- /costs -->" in PAGE.read_text("utf-8")


def test_normalisation_does_no_harm_in_what_was_measured() -> None:
    found = read_json(accuracy.RESULTS)
    for world in ("K1", "K3"):
        for one in [*found["curve"][world].values(), *found["bad"][world].values()]:
            assert one["gain_95"][1] >= 0  # no harm that could be told from chance
            assert one["gain"] >= -0.015
        assert found["curve"][world]["20"]["gain_95"][0] > 0


def test_pictures_hold_names_and_numbers_in_bounds(tmp_path: Path) -> None:
    points = [Point(-3.0, -5.0, -1.0), Point(0.0, 0.0, 0.0), Point(12.0, 10.0, 15.5)]
    draw_curves({"a < b": points, "c": points}, ["0", "5", "20"], "A & B", tmp_path / "c.svg")
    draw_bars({"w": {"x": points[0], "y": points[2]}}, "Bars", tmp_path / "b.svg")
    curves, bars = ((tmp_path / name).read_text("utf-8") for name in ("c.svg", "b.svg"))
    assert "a &lt; b" in curves
    assert "A &amp; B" in curves
    for text in (curves, bars):
        size = re.search(r'width="(\d+)" height="(\d+)"', text)
        assert size is not None
        width, height = float(size[1]), float(size[2])
        for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", text):
            assert 0 <= float(x) <= width
            assert 0 <= float(y) <= height
