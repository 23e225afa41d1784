"""Ten thousand identities: the page reads and draws one page of them at a time."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from indexer.gallery import open_gallery
from indexer.records import NewTracklet
from model.bundle import DEFAULT_BUNDLE, Manifest
from tests.page.sight import Sight
from tests.support.serving import Service

pytestmark = pytest.mark.xdist_group("page")

IDENTITIES = 10_000
AT_ONCE = 2_500
FIRST = datetime(2024, 5, 1, tzinfo=UTC)


def tracklets(manifest: Manifest) -> Iterator[NewTracklet]:
    vectors = np.random.default_rng(0).standard_normal((IDENTITIES, manifest.embedding_width))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for number, vector in enumerate(vectors.astype(np.float32)):
        yield NewTracklet(
            tracklet_id=f"t{number:05d}",
            content_sha256=number.to_bytes(32, "big"),
            model_id=manifest.model_id,
            embedding=vector,
            temporal_attention=(0.25, 0.75),
            received=2,
            sampled=(0, 1),
            identity=f"person {number:05d}",
            camera=f"camera {number % 200:03d}",
            captured_at=FIRST + timedelta(seconds=number),
        )


@pytest.fixture(scope="module")
def service(
    start_service: Callable[..., Service], tmp_path_factory: pytest.TempPathFactory
) -> Service:
    folder = tmp_path_factory.mktemp("many") / "gallery"
    manifest = Manifest.load(DEFAULT_BUNDLE)
    wanted = {"model_id": manifest.model_id, "width": manifest.embedding_width}
    with open_gallery(folder, **wanted, create=True) as gallery:
        news = list(tracklets(manifest))
        for start in range(0, IDENTITIES, AT_ONCE):
            gallery.enrol_many(news[start : start + AT_ONCE], actor="test")
    return start_service(folder)


def test_identities_come_page_by_page_forth_and_back(sight: Sight, page: Page) -> None:
    sight.go("gallery")
    rows = page.locator("tbody th")
    expect(rows).to_have_count(50)
    expect(rows.first).to_have_text("person 00000")
    expect(page.locator(".pager p")).to_have_text("1 to 50")

    page.get_by_role("link", name="Next").click()
    expect(rows.first).to_have_text("person 00050")
    page.get_by_role("link", name="Next").click()
    expect(rows.first).to_have_text("person 00100")
    expect(page.locator(".pager p")).to_have_text("101 to 150")
    page.get_by_role("link", name="Previous").click()
    expect(rows.first).to_have_text("person 00050")
    page.go_back()
    expect(rows.first).to_have_text("person 00100")
    page.reload()
    expect(rows.first).to_have_text("person 00100")
    page.get_by_role("link", name="First").click()
    expect(rows.first).to_have_text("person 00000")
    expect(rows).to_have_count(50)


def test_only_what_is_shown_is_asked_for(sight: Sight, page: Page) -> None:
    sight.go("gallery")
    page.locator("tbody th").first.wait_for()

    lists = [url for url in sight.requests if "/identities?" in url]
    assert lists == [f"{sight.url}/identities?limit=50"]
    portraits = [url for url in sight.requests if "/identities/" in url]
    assert len(portraits) < 50


def test_a_name_far_down_is_found_at_once(sight: Sight, page: Page) -> None:
    sight.go("gallery")
    expect(page.locator("tbody th")).to_have_count(50)
    page.get_by_label("Name begins with").fill("person 0987")
    page.get_by_role("button", name="Find").click()

    expect(page.locator("tbody th")).to_have_text([f"person 0987{digit}" for digit in range(10)])


def test_the_last_page_has_no_next(sight: Sight, page: Page) -> None:
    sight.go("gallery?list=identities&prefix=person%200999")
    expect(page.locator("tbody th")).to_have_count(10)

    expect(page.get_by_role("link", name="Next")).to_have_count(0)
    expect(page.locator(".pager [aria-disabled=true]")).to_have_text(["First", "Previous", "Next"])


def test_tracklets_are_paged_within_a_filter(sight: Sight, page: Page) -> None:
    sight.go("gallery?list=tracklets&camera=camera+007")
    cards = page.locator(".tracklets > li")
    expect(cards).to_have_count(24)
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".pager p")).to_have_text("25 to 48")
    page.get_by_role("link", name="Next").click()

    expect(cards).to_have_count(2)
    chosen = page.get_by_label("Camera", exact=True).locator("option:checked")
    expect(chosen).to_have_text("camera 007")
