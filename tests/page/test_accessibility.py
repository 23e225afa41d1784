"""Every view in both schemes and both widths: nothing serious for axe, all reached by keyboard."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.page.sight import Sight, query_frames
from tests.support.serving import Service

pytestmark = pytest.mark.xdist_group("page")

SERIOUS = {"serious", "critical"}
VIEWS = {
    "search": "search",
    "results": "search?tracklet={tracklet}",
    "comparison": "compare/{hit}?tracklet={tracklet}",
    "identities": "gallery",
    "tracklets": "gallery?list=tracklets",
    "cameras": "gallery?list=cameras",
    "path": "identity/person-03",
    "tracklet": "tracklet/{tracklet}",
    "enrol": "enrol",
    "state": "state",
}


def addresses(page: Page) -> dict[str, str]:
    found = page.evaluate("fetch('/tracklets?limit=2').then((answer) => answer.json())")
    tracklet, hit = (item["tracklet_id"] for item in found["items"])
    return {name: view.format(tracklet=tracklet, hit=hit) for name, view in VIEWS.items()}


def settle(page: Page) -> None:
    """Until the view has got what it asked for."""
    expect(page.locator("[aria-busy=true], .waiting, .progress")).to_have_count(0)


def serious_findings(page: Page, *rules: str) -> list[str]:
    """What axe finds, by all its rules or by some."""
    options: dict[str, list[str]] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = list(rules)
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for one in found
        for node in one["nodes"]
        if one["impact"] in SERIOUS
    ]


@pytest.mark.parametrize(
    ("scheme", "rules"), [("light", ()), ("dark", ("color-contrast",))], ids=["light", "dark"]
)
def test_no_view_has_a_serious_finding(
    service: Service, open_page: Callable[..., Sight], scheme: str, rules: tuple[str, ...]
) -> None:
    """The schemes differ in their colours alone."""
    # Without motion, or a colour is looked at on its way to another.
    sight = open_page(service, color_scheme=scheme, reduced_motion="reduce")
    page = sight.page
    for name, view in addresses(page).items():
        sight.go(view)
        settle(page)
        if name in {"comparison", "tracklet"}:
            page.get_by_role("button", name="Heat map").click()
            page.locator("canvas.heat").first.wait_for()
        assert serious_findings(page, *rules) == [], name
    sight.go("identity/person-03")
    page.get_by_role("button", name="Erase person-03…").click()
    assert serious_findings(page, *rules) == []
    sight.go("identity/nobody")
    page.get_by_role("alert").wait_for()
    assert serious_findings(page, *rules) == []


def test_axe_would_find_something(sight: Sight, page: Page) -> None:
    page.evaluate("document.querySelector('input[type=file]').removeAttribute('id')")

    assert any("label" in finding for finding in serious_findings(page))


def test_no_view_is_wider_than_a_small_window(
    service: Service, open_page: Callable[..., Sight]
) -> None:
    sight = open_page(service, viewport={"width": 400, "height": 800})
    for name, view in addresses(sight.page).items():
        sight.go(view)
        settle(sight.page)
        assert sight.too_wide() == 0, name
        for frame in sight.page.locator("button:visible, a.button:visible").all()[:20]:
            box = frame.bounding_box()
            assert box is None or box["height"] >= 24, name


def test_landmarks_and_headings_tell_where_one_is(sight: Sight, page: Page) -> None:
    for view in addresses(page).values():
        sight.go(view)
        settle(page)
        expect(page.locator("main")).to_have_count(1)
        expect(page.locator("header nav[aria-label]")).to_have_count(1)
        expect(page.locator("h1")).to_have_count(1)
        assert page.title().endswith("· Sightline")


def test_the_keyboard_skips_to_the_content(sight: Sight, page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()
    assert page.url.endswith("/")


def test_the_keyboard_reaches_files_options_and_results(sight: Sight, page: Page) -> None:
    sight.choose_files(*query_frames(3))
    page.get_by_role("button", name="Remove").focus()
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "() => (document.activeElement.labels?.[0] ?? document.activeElement).innerText"
            )
        )
    for label in ("Only cameras", "Not cameras", "From (UTC)"):
        assert label in reached
    page.get_by_role("button", name="Search", exact=True).press("Enter")
    page.locator(".ranking").wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="person-03", exact=True)).to_be_focused()


def test_whoever_wants_no_motion_gets_none(
    service: Service, open_page: Callable[..., Sight]
) -> None:
    sight = open_page(service, reduced_motion="reduce")

    moving = sight.page.evaluate(
        """() => [...document.querySelectorAll('*')].filter((element) => {
            const style = getComputedStyle(element);
            return parseFloat(style.transitionDuration) > 0 || style.animationName !== 'none';
        }).length"""
    )
    assert moving == 0
