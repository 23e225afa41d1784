"""Searching in the page: by upload, by clip, by an enrolled tracklet; opening what was found."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from model.decode import encode_jpeg
from tests.page.sight import Sight, query_clip, query_frames
from tests.support.fake_bundle import person
from tests.support.serving import Service

pytestmark = pytest.mark.xdist_group("page")

SEEN = re.compile("2024-05-01 08:(14|17|20):00")
"""When the archive's person-03 was seen; which sighting is nearest is the model's affair."""


def test_frames_find_the_person_they_show(sight: Sight) -> None:
    ranking = sight.search(*query_frames(3))

    first = ranking.locator("> li").first
    expect(first.locator("h3")).to_have_text("person-03")
    # The bundle's calibration decides at this rate; how, is the model's affair as well.
    expect(first.locator(".verdict")).to_have_text(re.compile("match", re.IGNORECASE))
    expect(first.locator(".hit-facts time").first).to_have_text(SEEN)
    # An identity is scored by its template, a sighting by itself.
    for score in (first.locator(".hit-score").first, first.locator(".figures dd").first):
        expect(score).to_have_text(re.compile(r"^0\.\d{3}\b"))
    assert ranking.locator("> li").count() == 8
    sight.pictures_shown()
    expect(sight.page.locator(".results-summary")).to_contain_text("24 of 24 tracklets compared")
    expect(sight.page.locator(".subject")).to_contain_text(" of 12 frames")


def test_the_results_have_the_focus_and_are_announced_by_their_heading(sight: Sight) -> None:
    sight.search(*query_frames(3))

    expect(sight.page.locator("#results-title")).to_be_focused()
    expect(sight.page.locator("#results-title")).to_have_text("8 results")


def test_a_clip_finds_the_person_it_shows(sight: Sight) -> None:
    ranking = sight.search(query_clip(1))

    expect(ranking.locator("h3").first).to_have_text("person-01")


def test_more_like_this_leaves_the_tracklet_itself_out(sight: Sight, page: Page) -> None:
    sight.go("gallery?list=tracklets")
    page.get_by_role("link", name="More like tracklet").first.click()

    page.locator(".ranking").wait_for()
    expect(page.locator(".subject-title")).to_have_text("More like person-01")
    expect(page.locator(".results-summary")).to_contain_text("23 of 24 tracklets compared")
    page.reload()
    expect(page.locator(".ranking > li")).to_have_count(8)


def test_limits_are_sent_and_stand_in_the_address(sight: Sight, page: Page) -> None:
    page.get_by_label("Only cameras").select_option("camera-1")
    page.get_by_label("Only cameras").select_option("camera-2")
    page.get_by_label("Not cameras").select_option("camera-2")
    page.get_by_label("From (UTC)").fill("2024-05-01T08:14:00")
    page.get_by_label("Before (UTC)").fill("2024-05-01T08:40:00")
    page.get_by_label("False accepts").select_option(index=1)  # 1 in 1,000
    page.get_by_label("Identities").select_option("5 best")
    ranking = sight.search(*query_frames(3))

    cameras = set(ranking.locator(".hit-facts b").all_inner_texts())
    times = ranking.locator(".hit-facts time").all_inner_texts()
    assert cameras == {"camera-1"}
    assert all("2024-05-01 08:14:00" <= time < "2024-05-01 08:40:00" for time in times)
    for piece in ("only=camera-1", "not=camera-2", "far=0.001", "top=5", "after=2024-05-01T08"):
        assert piece in page.url
    expect(page.locator(".chip")).to_have_count(3)
    page.get_by_role("button", name="Remove camera-1").click()
    expect(page.get_by_label("Only cameras")).to_be_focused()


def test_limits_that_nothing_passes_are_said_so(sight: Sight, page: Page) -> None:
    page.get_by_label("Before (UTC)").fill("2001-01-01T00:00:00")
    sight.choose_files(*query_frames(3))
    page.get_by_role("button", name="Search", exact=True).click()

    expect(page.get_by_text("No tracklet passes these limits")).to_be_visible()


def test_an_empty_gallery_says_what_to_do(
    start_service: Callable[..., Service], open_page: Callable[..., Sight]
) -> None:
    sight = open_page(start_service())
    sight.choose_files(*query_frames(3))
    sight.page.get_by_role("button", name="Search", exact=True).click()

    expect(sight.page.get_by_text("The gallery is empty")).to_be_visible()
    for view in ("gallery", "gallery?list=tracklets", "gallery?list=cameras"):
        sight.go(view)
        expect(sight.page.locator(".message-empty")).to_be_visible()


def test_a_hit_opens_beside_the_query(sight: Sight, page: Page) -> None:
    sight.search(*query_frames(3))
    page.get_by_role("link", name="Compare the query with person-03").first.click()

    expect(page.get_by_role("heading", name="Compare")).to_be_focused()
    expect(page.locator(".sides > section")).to_have_count(2)
    query, hit = page.locator(".sides > section").all()
    expect(query.locator(".cell")).to_have_count(12)
    expect(hit.locator(".cell")).to_have_count(12)
    expect(hit.locator(".facts")).to_contain_text("person-03")
    expect(hit.locator(".facts")).to_contain_text(SEEN)
    for side in (query, hit):
        expect(side.locator(".facts")).to_contain_text(" of 12 frames")
    sight.pictures_shown()
    page.go_back()
    expect(page.locator(".ranking > li")).to_have_count(8)
    assert sum(url.endswith("/query") for url in sight.requests) == 1


def test_the_heat_map_is_switched_on_and_off(sight: Sight, page: Page) -> None:
    sight.search(*query_frames(3))
    page.get_by_role("link", name="Compare the query with person-03").first.click()
    switch = page.get_by_role("button", name="Heat map")
    expect(page.locator("canvas.heat")).to_have_count(0)
    sight.pictures_shown()

    switch.click()

    # Two large frames and all the small ones of both.
    expect(page.locator("canvas.heat")).to_have_count(2 + 24)
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".heat-words")).to_have_count(2)
    painted = page.evaluate(
        """() => {
            const canvas = document.querySelector('.stage canvas');
            const { data } = canvas.getContext('2d')
                .getImageData(0, 0, canvas.width, canvas.height);
            const opacity = [...data].filter((_, place) => place % 4 === 3);
            const cells = canvas.width * canvas.height;
            return [cells === opacity.length, Math.max(...opacity), new Set(opacity).size > 2];
        }"""
    )
    assert painted == [True, 215, True]
    switch.click()
    expect(page.locator("canvas.heat")).to_have_count(0)


def test_frames_are_walked_through_with_the_arrow_keys(sight: Sight, page: Page) -> None:
    sight.go("gallery?list=tracklets")
    page.get_by_role("link", name="Open tracklet").first.click()
    page.locator(".cell").first.click()
    expect(page.locator("figcaption")).to_contain_text("Frame 1 of 12")

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("figcaption")).to_contain_text("Frame 3 of 12")
    expect(page.locator(".cell").nth(2)).to_be_focused()
    page.keyboard.press("End")
    expect(page.locator("figcaption")).to_contain_text("Frame 12 of 12")
    assert page.locator(".cell[tabindex='0']").count() == 1


def test_a_reload_forgets_uploads_and_says_so(sight: Sight, page: Page) -> None:
    sight.search(*query_frames(3))
    results = page.url
    page.get_by_role("link", name="Compare the query with person-03").first.click()
    page.locator(".viewer").first.wait_for()

    page.reload()
    expect(page.get_by_text("The query is no longer in the page's memory")).to_be_visible()
    page.goto(results)
    expect(page.get_by_text("This upload is no longer in the page's memory")).to_be_visible()


def test_re_ranking_that_is_not_there_is_explained_with_a_way_on(sight: Sight, page: Page) -> None:
    page.route(
        "**/query",
        lambda route: (
            route.fulfill(
                status=422,
                content_type="application/problem+json",
                body='{"code": "rerank_unavailable", "detail": "there is no graph", "status": 422}',
            )
            if b'name="rerank"' in (route.request.post_data_buffer or b"")
            else route.continue_()
        ),
    )
    page.get_by_label("Re-rank by shared neighbours").check()
    sight.choose_files(*query_frames(3))
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Re-ranking is not ready yet")

    page.get_by_role("link", name="Search without re-ranking").click()

    expect(page.locator(".ranking > li")).to_have_count(8)


def test_files_that_are_neither_picture_nor_clip_are_refused(
    sight: Sight, page: Page, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("hello")

    sight.choose_files(letter)

    expect(page.get_by_role("alert")).to_contain_text("No picture and no clip among these files")
    expect(page.get_by_role("button", name="Search", exact=True)).to_be_disabled()
    assert not any(url.endswith("/query") for url in sight.requests)


def test_a_broken_picture_is_named(sight: Sight, page: Page, tmp_path: Path) -> None:
    broken = tmp_path / "0003.jpg"
    broken.write_bytes(b"no picture at all")
    sight.choose_files(*query_frames(3)[:2], broken)
    page.get_by_role("button", name="Search", exact=True).click()

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("A picture cannot be read")
    expect(alert).to_contain_text("0003.jpg")
    expect(alert).to_contain_text("undecodable_frame")


def test_what_is_too_large_is_refused_before_it_is_sent(
    start_service: Callable[..., Service], sample_gallery: Path, open_page: Callable[..., Sight]
) -> None:
    service = start_service(sample_gallery, SIGHTLINE_MAX_FRAMES="40")
    sight = open_page(service)
    page = sight.page
    frames = [
        {"name": f"{place}.jpg", "mimeType": "image/jpeg", "buffer": frame.read_bytes()}
        for place, frame in enumerate(query_frames(3) * 4)
    ]
    expect(page.locator(".chip-state")).to_contain_text("Ready")
    page.set_input_files("input[type=file]", frames)
    expect(page.get_by_role("alert")).to_contain_text("48 frames were chosen; 40 may be sent.")
    assert not any(url.endswith("/query") for url in sight.requests)

    page.get_by_role("button", name="Take 32 evenly spread ones").click()
    expect(page.locator(".chosen-words")).to_contain_text("32 frames")
    page.get_by_role("button", name="Search", exact=True).click()

    expect(page.locator(".ranking h3").first).to_have_text("person-03")


def test_crops_that_look_like_scenes_earn_a_remark(
    sight: Sight, page: Page, tmp_path: Path
) -> None:
    for place, frame in enumerate(person(1, 3, size=(64, 160))):
        (tmp_path / f"{place}.jpg").write_bytes(encode_jpeg(frame))
    sight.search(*sorted(tmp_path.iterdir()))

    expect(page.locator(".remark")).to_contain_text("wider than high")
