"""Names, cameras, attributes and reasons are text: whatever they hold, none of it ever runs."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.page.sight import Sight, query_frames
from tests.support.serving import Service

pytestmark = pytest.mark.xdist_group("page")

SCRIPT = "<script>window.harmed = 1<" + "\N{FRACTION SLASH}script>"
PICTURE = "<img src=x onerror='window.harmed = 2'>"
ATTRIBUTE = "\"' onmouseover=window.harmed=3 x='"
TEMPLATE = "${window.harmed = 4} {{constructor.constructor('window.harmed = 5')()}}"
LINK = "javascript:window.harmed = 6"
NAMES = [PICTURE, SCRIPT, ATTRIBUTE, TEMPLATE, LINK]


@pytest.fixture(scope="module")
def service(start_service: Callable[..., Service]) -> Service:
    """A gallery in which every text that a client may choose is an attack."""
    started = start_service()
    pictures = [("frames", (path.name, path.read_bytes())) for path in query_frames(3)[:4]]
    with httpx2.Client(base_url=started.url) as client:
        for number, name in enumerate(NAMES):
            texts = {
                "tracklet_id": f"t{number}",
                "identity": name,
                "camera": NAMES[number - 1],
                "captured_at": f"2024-05-01T08:0{number}:00Z",
                "attributes": json.dumps(
                    {PICTURE: SCRIPT, "type": "div", "props": {"title": SCRIPT}}
                ),
            }
            fields = [(field, (None, text)) for field, text in texts.items()]
            answer = client.post("/tracklets", files=[*fields, *pictures])
            assert answer.status_code == 201, answer.text
    return started


def unharmed(page: Page) -> None:
    assert page.evaluate("window.harmed") is None
    assert page.locator("main script, main [onerror], main [onmouseover]").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0


@pytest.mark.parametrize("view", ["gallery", "gallery?list=tracklets", "gallery?list=cameras"])
def test_listings_show_it_as_text(sight: Sight, page: Page, view: str) -> None:
    sight.go(view)

    for name in NAMES:
        expect(page.get_by_text(name, exact=True).locator("visible=true").first).to_be_visible()
    unharmed(page)


@pytest.mark.parametrize("name", NAMES)
def test_an_identity_and_its_dialogs_show_it_as_text(sight: Sight, page: Page, name: str) -> None:
    sight.go(f"identity/{quote(name, safe='')}")

    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.locator(".stop").hover(force=True)
    page.get_by_role("button", name=f"Erase {name}…").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"1 tracklet of {name}")
    unharmed(page)


def test_a_tracklet_shows_its_attributes_as_text(sight: Sight, page: Page) -> None:
    sight.go("tracklet/t0")

    expect(page.locator("pre")).to_contain_text(PICTURE)
    expect(page.get_by_label("Identity")).to_have_value(NAMES[0])
    unharmed(page)


def test_search_and_comparison_show_it_as_text(sight: Sight, page: Page) -> None:
    sight.search(*query_frames(3))
    for name in NAMES:
        expect(page.locator("h3", has_text=name)).to_be_visible()
    options = page.get_by_label("Only cameras").locator("option").all_inner_texts()
    assert set(NAMES) <= set(options)
    page.locator(".hit-frames").first.click()
    page.locator(".viewer").first.wait_for()
    unharmed(page)


def test_a_merge_notice_shows_it_as_text(sight: Sight, page: Page) -> None:
    sight.go(f"identity/{quote(LINK, safe='')}")
    page.get_by_label("Merge into, or rename to").fill(PICTURE + "!")
    page.get_by_role("button", name="Merge").click()

    expect(page.locator(".notice")).to_contain_text(f"to {PICTURE}!")
    unharmed(page)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(LINK)


@pytest.mark.parametrize(
    "address",
    ["identity/%", f"tracklet/{quote(PICTURE, safe='')}", f"search?tracklet={quote(SCRIPT)}"],
)
def test_an_address_shows_it_as_text(sight: Sight, page: Page, address: str) -> None:
    page.goto(f"{sight.url}/#/{address}")

    expect(page.get_by_role("alert").first).to_be_visible()
    unharmed(page)


def test_a_file_name_and_a_reason_show_it_as_text(sight: Sight, page: Page, tmp_path: Path) -> None:
    broken = tmp_path / (PICTURE.replace("/", "") + ".jpg")
    broken.write_bytes(b"broken")
    sight.choose_files(broken)
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(broken.name)

    page.route(
        "**/identities*",
        lambda route: route.fulfill(
            status=400, json={"code": PICTURE, "detail": SCRIPT, "title": PICTURE}
        ),
    )
    sight.go("gallery")
    expect(page.get_by_role("alert")).to_contain_text(SCRIPT)
    unharmed(page)


def test_the_browser_itself_refuses_markup_from_text(sight: Sight, page: Page) -> None:
    """The policy holds even where the page's code were wrong."""
    refused = page.evaluate(
        """() => {
            try {
                document.body.innerHTML = '<b>text</b>';
                return null;
            } catch (error) {
                return error.name;
            }
        }"""
    )
    assert refused == "TypeError"
    (complaint,) = sight.complaints
    assert "TrustedHTML" in complaint
    sight.complaints.clear()
