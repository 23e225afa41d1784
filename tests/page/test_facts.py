"""The page's own arithmetic, run where it will run: each module's functions, called in Chromium."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from model.sampling import central_indices
from tests.support.serving import Service

pytestmark = pytest.mark.xdist_group("page")

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def page(browser: Browser, service: Service) -> Iterator[Page]:
    """One page for all: nothing here changes it."""
    opened = browser.new_page()
    opened.goto(service.url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def call(page: Page) -> Call:
    """Call a function of a module below `facts/` and give back its result."""

    def do(module: str, function: str, *arguments: object) -> Any:
        return page.evaluate(
            """async ([module, name, values]) => {
                const found = await import(`/assets/app/facts/${module}.js`);
                return found[name](...values);
            }""",
            [module, function, list(arguments)],
        )

    return do


def test_frames_are_spread_as_the_service_samples_them(call: Call) -> None:
    for count in (1, 7, 31, 32, 33, 57, 512, 5000):
        assert call("attention", "spread", count, 32) == central_indices(count, 32).tolist()


def test_bars_start_at_zero_and_mark_frames_of_little_weight(call: Call) -> None:
    found = call("attention", "barsOf", [0.4, 0.4, 0.15, 0.05])

    assert found["even"] == pytest.approx(0.25 / 0.5)
    assert [bar["height"] for bar in found["bars"]] == pytest.approx([0.8, 0.8, 0.3, 0.1])
    assert [bar["little"] for bar in found["bars"]] == [False, False, False, True]


def test_even_weights_give_a_flat_row_at_the_even_share(call: Call) -> None:
    found = call("attention", "barsOf", [0.125] * 8)

    assert {bar["height"] for bar in found["bars"]} == {0.5}
    assert found["even"] == 0.5
    assert call("attention", "effectiveOf", [0.125] * 8) == pytest.approx(8)


def test_effective_frames_are_the_exponential_of_the_entropy(call: Call) -> None:
    assert call("attention", "effectiveOf", [0.61, 0.39]) == pytest.approx(1.95, abs=0.01)
    assert call("attention", "effectiveOf", [1.0, 0.0]) == pytest.approx(1)


def test_frames_of_little_weight_are_named_by_their_numbers(call: Call) -> None:
    def say(weights: list[float]) -> Any:
        return call("attention", "littleInWords", weights, [0, 9, 20, 31])

    assert say([0.25] * 4) == "No frame has little weight."
    assert say([0.4, 0.3, 0.25, 0.05]) == "Frame 32 has little weight."
    assert say([0.9, 0.04, 0.03, 0.03]) == "3 frames have little weight: 10, 21, 32."


def test_a_heat_map_is_brightest_where_attention_is_strongest(call: Call) -> None:
    cells = [[0.01] * 4 for _ in range(8)]
    cells[1][2] = 0.69
    found = call("heat", "pixelsOf", cells)
    pixels = list(found["data"].values()) if isinstance(found["data"], dict) else found["data"]

    assert (found["width"], found["height"]) == (4, 8)
    opacity = pixels[3::4]
    assert opacity.index(max(opacity)) == 1 * 4 + 2
    assert call("heat", "peakInWords", cells) == "centre of the top"


def test_the_colours_of_heat_grow_lighter_all_the_way(call: Call) -> None:
    def lightness(level: float) -> float:
        red, green, blue = call("heat", "colourOf", level)
        return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)

    levels = [lightness(step / 20) for step in range(21)]
    assert levels == sorted(levels)


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (0, "0 s"),
        (59_000, "59 s"),
        (180_000, "3 min"),
        (7_500_000, "2 h 5 min"),
        (90_000_000, "1 d 1 h"),
        (86_400_000, "1 d"),
    ],
)
def test_lengths_of_time(call: Call, milliseconds: int, shown: str) -> None:
    assert call("times", "showLength", milliseconds) == shown


def test_times_are_utc_there_and_back(call: Call) -> None:
    assert call("times", "showTime", "2024-05-01T23:30:00-02:00") == "2024-05-02 01:30:00"
    assert call("times", "timeOfField", "2024-05-01T08:00") == "2024-05-01T08:00:00Z"
    assert call("times", "timeOfField", "2024-05-01T08:00:09") == "2024-05-01T08:00:09Z"
    assert call("times", "fieldOfTime", "2024-05-01T08:00:09.5Z") == "2024-05-01T08:00:09"
    assert call("times", "timeOfField", "") == call("times", "fieldOfTime", None) == ""
    span = call("times", "showSpan", "2024-05-01T08:00:00Z", "2024-05-01T08:00:04Z")
    assert span == "2024-05-01 08:00:00 – 08:00:04"


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.97, "97 %"), (0.9999, "> 99.9 %"), (0.0, "< 0.1 %"), (0.004, "0.4 %"), (1, "> 99.9 %")],
)
def test_a_probability_never_claims_certainty(call: Call, share: float, shown: str) -> None:
    assert call("numbers", "showProbability", share).replace("\N{NO-BREAK SPACE}", " ") == shown


def test_a_time_line_has_a_lane_per_camera_in_order_of_first_sight(call: Call) -> None:
    def seen(camera: str | None, time: str | None) -> dict[str, object]:
        return {"tracklet_id": time, "camera": camera, "captured_at": time, "captured_until": None}

    day = "2024-05-01T"
    tracklets = [
        seen("b", day + "08:10:00Z"),
        seen("a", day + "08:00:00Z"),
        seen(None, day + "08:20:00Z"),
        seen("a", None),
    ]
    by_clock = call("sightings", "lineOf", tracklets, "time")
    in_order = call("sightings", "lineOf", tracklets, "order")

    assert by_clock["lanes"] == ["a", "b", "no camera"]
    assert [stop["lane"] for stop in by_clock["stations"]] == [0, 1, 2]
    assert [stop["start"] for stop in by_clock["stations"]] == [0, 0.5, 1]
    assert [stop["gap"] for stop in by_clock["stations"]] == [None, 600_000, 600_000]
    assert [stop["start"] for stop in in_order["stations"]] == [0, 0.5, 1]
    assert len(by_clock["untimed"]) == 1
    ticks = call("sightings", "ticksOf", by_clock, 6)
    assert [tick["at"] for tick in ticks] == pytest.approx([0, 0.25, 0.5, 0.75, 1])


def test_a_single_sighting_stands_in_the_middle(call: Call) -> None:
    one = {"tracklet_id": "a", "camera": "a", "captured_at": "2024-05-01T08:00:00Z"}
    line = call("sightings", "lineOf", [one | {"captured_until": None}], "time")

    assert [stop["start"] for stop in line["stations"]] == [0.5]
    assert call("sightings", "ticksOf", line, 6) == []


def choose(call: Call, *names: str) -> Any:
    files = [{"name": name, "type": "", "size": 10} for name in names]
    return call("files", "choose", files)


def test_frames_go_in_the_order_of_their_names(call: Call) -> None:
    found = choose(call, "f10.jpg", "f2.JPG", "notes.txt", "f1.png")

    assert [file["name"] for file in found["files"]] == ["f1.png", "f2.JPG", "f10.jpg"]
    assert (found["kind"], found["left"]) == ("frames", ["notes.txt"])


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["a.txt", "b.pdf"], "no_usable_file"),
        (["a.jpg", "b.mp4"], "frames_or_clip"),
        (["a.mp4", "b.mkv"], "frames_or_clip"),
        ([], "no_usable_file"),
    ],
)
def test_what_is_no_upload_is_refused(call: Call, names: list[str], code: str) -> None:
    assert choose(call, *names)["code"] == code


LIMITS = {"body_bytes": 1_000_000, "parts": 600, "frames": 512, "frame_bytes": 50_000}


@pytest.mark.parametrize(
    ("count", "size", "refused"),
    [
        (10, 1_000, None),
        (513, 10, ("too_many_frames", 32)),
        (10, 50_001, ("image_too_large", None)),
        (30, 40_000, ("body_too_large", None)),
        (40, 40_000, ("body_too_large", 32)),
    ],
)
def test_limits_are_checked_before_anything_is_sent(
    call: Call, count: int, size: int, refused: tuple[str, int | None] | None
) -> None:
    files = [
        {"name": f"{number}.jpg", "type": "image/jpeg", "size": size} for number in range(count)
    ]

    found = call("files", "refusalOf", {"kind": "frames", "files": files}, LIMITS)

    assert (found and (found["code"], found["thin"])) == refused


def test_search_options_survive_the_address(page: Page) -> None:
    wanted = {
        "tracklet": "a:1",
        "upload": None,
        "only": ["door & gate", "ünïcode"],
        "not": ["c=3"],
        "after": "2024-05-01T08:00:00Z",
        "before": "",
        "far": 0.01,
        "top": 50,
        "rerank": True,
    }
    found = page.evaluate(
        """async (wanted) => {
            const { paramsOf, wantedOf } = await import('/assets/app/facts/search.js');
            const { hrefOf, parsePlace } = await import('/assets/app/router.js');
            const place = parsePlace(hrefOf('compare', 'hit/%41', paramsOf(wanted)));
            return [place.view, place.name, wantedOf(place.params)];
        }""",
        wanted,
    )

    assert found == ["compare", "hit/%41", wanted]


PLAIN = {"camera_normalised": False, "rerank": False, "identity": "best"}


@pytest.mark.parametrize(
    ("scoring", "words"),
    [
        (None, []),
        (PLAIN, []),
        (PLAIN | {"camera_normalised": True}, ["camera-normalised"]),
        (PLAIN | {"camera_normalised": True, "rerank": True}, ["camera-normalised", "re-ranked"]),
        (PLAIN | {"identity": "template"}, ["identities by their template"]),
        (PLAIN | {"identity": "another_way"}, ["another way"]),
    ],
)
def test_the_way_of_scoring_in_words(call: Call, scoring: object, words: list[str]) -> None:
    assert call("verdict", "scoringInWords", scoring) == words


def test_an_unknown_code_keeps_its_name(page: Page) -> None:
    words = page.evaluate(
        "import('/assets/app/api/problems.js').then(({ wordsOf }) => wordsOf('brand_new'))"
    )

    assert "brand_new" in words["title"]
