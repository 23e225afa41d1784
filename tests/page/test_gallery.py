"""Browsing, labelling, merging, erasing and enrolling in the page."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.page.sight import Sight, query_clip, query_frames
from tests.support.serving import Service

pytestmark = pytest.mark.xdist_group("page")


def identities(page: Page) -> list[str]:
    page.locator("table.identities").wait_for()
    return page.locator("tbody th").all_inner_texts()


def test_identities_cameras_and_tracklets_are_listed(sight: Sight, page: Page) -> None:
    sight.go("gallery")
    assert identities(page) == [f"person-{number:02d}" for number in range(1, 9)]
    sight.pictures_shown()

    page.get_by_role("link", name="Cameras", exact=True).click()
    expect(page.locator("tbody th")).to_have_text([f"camera-{number}" for number in range(1, 6)])
    page.get_by_role("link", name="camera-5").click()
    expect(page.locator(".tracklets > li")).to_have_count(1)
    expect(page.locator(".tracklets .hit-facts")).to_contain_text("person-02")
    chosen = page.get_by_label("Camera", exact=True).locator("option:checked")
    expect(chosen).to_have_text("camera-5")


def test_tracklets_are_filtered_by_identity_and_time(sight: Sight, page: Page) -> None:
    sight.go("gallery?list=tracklets")
    page.get_by_label("Identity").fill("person-03")
    page.get_by_label("From (UTC)").fill("2024-05-01T08:15:00")
    page.get_by_role("button", name="Filter").click()

    expect(page.locator(".tracklets > li")).to_have_count(2)
    page.get_by_label("Identity").fill("nobody")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No tracklet passes this filter")).to_be_visible()
    page.go_back()
    expect(page.locator(".tracklets > li")).to_have_count(2)


def test_names_are_found_by_their_beginning(sight: Sight, page: Page) -> None:
    sight.go("gallery")
    page.get_by_label("Name begins with").fill("person-04")
    page.get_by_role("button", name="Find").click()

    expect(page.locator("tbody th")).to_have_text(["person-04"])


def test_the_path_shows_where_a_person_was_in_order(sight: Sight, page: Page) -> None:
    sight.go("gallery")
    page.get_by_role("link", name="person-03").click()

    expect(page.get_by_role("heading", name="person-03")).to_be_focused()
    stops = page.locator(".stop")
    expect(stops).to_have_count(3)
    assert [stop.get_attribute("aria-label") for stop in stops.all()] == [
        "1: camera-1, 2024-05-01 08:14:00",
        "2: camera-2, 2024-05-01 08:17:00",
        "3: camera-3, 2024-05-01 08:20:00",
    ]
    expect(page.locator(".sighting b")).to_have_text(["camera-1", "camera-2", "camera-3"])
    expect(page.locator(".sighting .hint")).to_have_text([" 3 min later", " 3 min later"])
    lefts = [stop.bounding_box()["x"] for stop in stops.all()]  # type: ignore[index]
    assert lefts == sorted(lefts)
    page.get_by_role("button", name="In order").click()
    expect(page.locator(".tick")).to_have_count(0)
    stops.first.click()
    expect(page.locator("h1")).to_contain_text("Tracklet archive:camera-1")


@pytest.fixture(scope="module")
def own(start_service: Callable[..., Service], sample_gallery: Path) -> Service:
    """A service whose gallery the tests change, each another part of it."""
    return start_service(sample_gallery)


@pytest.fixture
def editor(open_page: Callable[..., Sight], own: Service) -> Sight:
    return open_page(own)


def test_a_merge_is_made_and_taken_back(editor: Sight) -> None:
    page = editor.page
    editor.go("identity/person-01")
    page.get_by_label("Merge into, or rename to").fill("person-02")
    page.get_by_role("button", name="Merge").click()

    expect(page.get_by_role("heading", name="person-02")).to_be_visible()
    expect(page.locator(".sighting")).to_have_count(6)
    expect(page.locator(".notice")).to_contain_text(
        "3 tracklets moved from person-01 to person-02."
    )
    editor.page.get_by_role("link", name="Gallery").first.click()
    assert "person-01" not in identities(page)

    page.get_by_role("button", name="Undo").click()

    expect(page.get_by_role("heading", name="person-01")).to_be_visible()
    expect(page.locator(".notice")).to_contain_text("3 tracklets moved back to person-01.")
    expect(page.locator(".sighting")).to_have_count(3)


def test_a_merge_that_the_service_refuses_says_why(editor: Sight) -> None:
    page = editor.page
    editor.go("identity/person-01")
    page.get_by_label("Merge into, or rename to").fill("a/b")
    page.get_by_role("button", name="Merge").click()

    expect(page.get_by_role("alert")).to_contain_text("A value cannot be used")
    expect(page.get_by_role("alert")).to_contain_text("must be a plain name, not a path")


def test_labels_are_changed_and_cleared(editor: Sight) -> None:
    page = editor.page
    editor.go("identity/person-04")
    page.locator(".sighting .hit-frames").first.click()
    page.get_by_label("Identity").fill("person-44")
    page.get_by_label("Camera").fill("")
    page.get_by_role("button", name="Save labels").click()

    expect(page.locator(".notice")).to_contain_text("The labels are saved.")
    expect(page.locator(".viewer .facts")).to_contain_text("person-44")
    expect(page.locator(".viewer .facts")).to_contain_text("Camera–")
    expect(page.get_by_role("button", name="Save labels")).to_be_disabled()


def test_an_identity_is_erased_only_after_naming_what_goes(editor: Sight) -> None:
    page = editor.page
    editor.go("identity/person-05")
    page.get_by_role("button", name="Erase person-05…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Erase person-05?")
    expect(dialog).to_contain_text("3 tracklets of person-05, with their embeddings and all their")
    expect(dialog).to_contain_text("camera-2, camera-3, camera-4")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()

    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Erase person-05…")).to_be_focused()
    page.get_by_role("button", name="Erase person-05…").click()
    dialog.get_by_role("button", name="Erase 3 tracklets").click()

    expect(page.locator(".notice")).to_contain_text("3 tracklets and 36 pictures are gone")
    assert "person-05" not in identities(page)
    editor.go("identity/person-05")
    expect(page.get_by_role("alert")).to_contain_text("Not there")


def test_a_tracklet_is_erased_and_its_pictures_are_forgotten(editor: Sight) -> None:
    page = editor.page
    editor.go("gallery?list=tracklets&identity=person-06")
    editor.pictures_shown()
    picture = editor.first_picture()
    assert editor.is_readable(picture)
    page.get_by_role("link", name="Open tracklet").first.click()
    page.get_by_role("button", name="Erase this tracklet…").click()
    page.get_by_role("button", name="Erase 1 tracklet").click()

    expect(page.locator(".notice")).to_contain_text("1 tracklet and 12 pictures are gone")
    assert not editor.is_readable(picture)


def test_an_upload_is_enrolled_and_found(editor: Sight) -> None:
    page = editor.page
    page.get_by_role("link", name="Enrol").click()
    expect(page.get_by_role("heading", name="Enrol a tracklet")).to_be_focused()
    editor.choose_files(*query_frames(8))
    expect(page.locator(".chosen-words")).to_contain_text("12 frames")
    page.get_by_label("Identity").fill("new person")
    page.get_by_label("Camera").fill("door")
    page.get_by_label("First frame (UTC)").fill("2024-06-01T10:00:00")
    page.get_by_label("Attributes").fill('{"case": 7}')
    page.get_by_role("button", name="Enrol", exact=True).click()

    expect(page.get_by_role("heading", name="Enrolled")).to_be_visible()
    expect(page.locator(".notice")).to_contain_text("The tracklet is enrolled.")
    page.get_by_role("link", name="new person").click()
    expect(page.locator(".sighting")).to_contain_text("door2024-06-01 10:00:00")
    page.locator(".sighting .hit-frames").click()
    expect(page.locator("pre")).to_have_text(re.compile(r'\{\s*"case": 7\s*\}'))
    page.get_by_role("link", name="More like this").click()
    expect(page.locator(".ranking h3").first).to_have_text("person-08")


def test_the_same_upload_under_one_id_is_stored_once(editor: Sight) -> None:
    page = editor.page
    for title in ("Enrolled", "Was enrolled already"):
        editor.go("enrol")
        page.reload()
        editor.choose_files(query_clip(2))
        page.get_by_label("Tracklet id").fill("twice")
        page.get_by_role("button", name="Enrol", exact=True).click()
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()

    editor.choose_files(*query_frames(3))
    page.get_by_label("Tracklet id").fill("twice")
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("This tracklet id is taken")


def test_enrolling_shows_how_far_it_is(editor: Sight) -> None:
    """The connection is slowed down, or nobody could see it."""
    page = editor.page
    editor.go("enrol")
    session = editor.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 60_000}
    session.send("Network.emulateNetworkConditions", slow)
    editor.choose_files(*query_frames(7))
    page.get_by_role("button", name="Enrol", exact=True).click()

    expect(page.get_by_text("Sending…")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()

    expect(page.get_by_role("alert")).to_contain_text("Cancelled")
