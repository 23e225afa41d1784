"""When the service is gone, not ready, or answers nonsense: the page says so and goes on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.page.sight import Sight, query_frames
from tests.support.serving import Service

pytestmark = pytest.mark.xdist_group("page")

PROBLEM = "application/problem+json"


def test_a_service_that_is_gone_is_noticed_and_found_again(
    start_service: Callable[..., Service], sample_gallery: Path, open_page: Callable[..., Sight]
) -> None:
    service = start_service(sample_gallery)
    sight = open_page(service)
    page = sight.page
    sight.choose_files(*query_frames(3))
    service.stop()

    page.get_by_role("button", name="Search", exact=True).click()

    expect(page.locator(".results").get_by_role("alert")).to_contain_text(
        "The service does not answer"
    )
    expect(page.locator(".banner-danger")).to_contain_text("The service does not answer.")
    expect(page.locator(".chip-state")).to_have_text("No answer")

    port = service.url.rpartition(":")[2]
    start_service(sample_gallery, "--port", port)
    page.get_by_role("button", name="Try now").click()
    expect(page.locator(".banner-danger")).to_have_count(0)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".ranking h3").first).to_have_text("person-03")


def test_a_service_that_is_not_ready_gives_its_reason(sight: Sight, page: Page) -> None:
    page.route(
        "**/readyz",
        lambda route: route.fulfill(
            status=503,
            content_type=PROBLEM,
            body='{"code": "not_ready", "detail": "the embedding thread has died", "status": 503}',
        ),
    )
    page.reload()

    expect(page.locator(".banner-danger")).to_contain_text(
        "The service is not ready. It says: the embedding thread has died."
    )
    page.get_by_role("link", name="State").click()
    expect(page.locator(".tile").first).to_contain_text("no: the embedding thread has died")


@pytest.mark.parametrize(
    ("calibration", "told"),
    [
        ("null", "This model is not calibrated."),
        ('{"data": "synthetic", "prior": 0.01, "rates": []}', "Calibrated on synthetic people."),
        ('{"data": "gallery", "prior": 0.01, "rates": []}', None),
        (
            '{"data": "gallery", "prior": 0.01, "rates": [], "stale": true}',
            "The calibration is out of date.",
        ),
    ],
)
def test_what_matches_rest_on_is_told_above_every_view(
    sight: Sight, page: Page, calibration: str, told: str | None
) -> None:
    answer = page.evaluate("fetch('/status').then((response) => response.json())")

    def patched(route: Route) -> None:
        route.fulfill(json=answer | {"calibration": json.loads(calibration)})

    page.route("**/status", patched)
    page.reload()
    page.locator("#view-title").wait_for()

    if told is None:
        expect(page.locator(".banner")).to_have_count(0)
    else:
        expect(page.locator(".banner-caution")).to_contain_text(told)


def test_an_answer_that_is_no_problem_document_is_a_failure_all_the_same(
    sight: Sight, page: Page
) -> None:
    page.route("**/identities*", lambda route: route.fulfill(status=502, body="<h1>Bad</h1>"))
    sight.go("gallery")

    expect(page.get_by_role("alert")).to_contain_text("An answer that this page does not")
    expect(page.get_by_role("alert")).to_contain_text("HTTP status 502")
    page.unroute("**/identities*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("tbody tr")).to_have_count(8)


def test_an_erasure_that_is_pending_can_be_repeated(sight: Sight, page: Page) -> None:
    def refuse(route: Route) -> None:
        if route.request.method != "DELETE":
            return route.fallback()
        return route.fulfill(
            status=503,
            content_type=PROBLEM,
            body='{"code": "erase_pending", "detail": "a reader keeps them", "status": 503}',
        )

    page.route("**/identities/person-01", refuse)
    sight.go("identity/person-01")
    page.get_by_role("button", name="Erase person-01…").click()
    button = page.get_by_role("button", name="Erase 3 tracklets")
    button.click()

    expect(page.get_by_role("dialog")).to_contain_text("some bytes are still on the disk")
    expect(button).to_be_enabled()


def test_reading_too_fast_is_slowed_down_and_goes_through(sight: Sight, page: Page) -> None:
    refusals = iter(range(2))

    def refuse(route: Route) -> None:
        if next(refusals, None) is None:
            return route.fallback()
        return route.fulfill(
            status=429,
            content_type=PROBLEM,
            headers={"Retry-After": "0.01"},
            body='{"code": "rate_limited", "detail": "too fast", "status": 429}',
        )

    page.route("**/cameras", refuse)
    sight.go("gallery?list=cameras")

    expect(page.locator("tbody tr")).to_have_count(5)


def test_a_picture_that_is_not_kept_leaves_its_place(sight: Sight, page: Page) -> None:
    page.route(
        "**/frames/*",
        lambda route: route.fulfill(
            status=404,
            content_type=PROBLEM,
            body='{"code": "not_found", "detail": "no picture", "status": 404}',
        ),
    )
    sight.go("gallery?list=tracklets")

    expect(page.locator(".frame[data-state=missing]").first).to_have_text("not kept")


def test_an_unknown_view_leads_back(sight: Sight, page: Page) -> None:
    sight.go("nowhere")

    page.get_by_role("link", name="Go to the search").click()
    expect(page.get_by_role("heading", name="Search")).to_be_focused()
