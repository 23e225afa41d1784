"""The page of a service that demands keys: what it asks for, keeps, forgets and does not offer."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.page.sight import Sight, query_frames
from tests.support.running import command, environment
from tests.support.serving import Service

pytestmark = pytest.mark.xdist_group("page")


def make_key(gallery: Path, role: str) -> tuple[str, str]:
    """A new key's id and text."""
    done = subprocess.run(
        command("keys", "create", "--gallery", gallery, "--name", role, "--role", role, "--json"),
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    made = json.loads(done.stdout)
    return made["id"], made["key"]


def revoke(gallery: Path, key_id: str) -> None:
    subprocess.run(
        command("keys", "revoke", key_id, "--gallery", gallery),
        env=environment(),
        capture_output=True,
        check=True,
    )


@pytest.fixture(scope="module")
def service(start_service: Callable[..., Service], sample_gallery: Path) -> Service:
    return start_service(sample_gallery)


@pytest.fixture(scope="module")
def keys(service: Service) -> dict[str, str]:
    return {role: make_key(service.gallery, role)[1] for role in ("query", "admin")}


def enter(page: Page, key: str) -> None:
    page.get_by_role("textbox", name="Key").fill(key)
    page.get_by_role("button", name="Use this key").click()


def test_without_a_key_the_page_asks_for_one_and_shows_nothing(
    keys: dict[str, str], sight: Sight, page: Page
) -> None:
    sight.go("gallery")

    expect(page.get_by_role("heading", name="A key is needed")).to_be_visible()
    expect(page.locator("table")).to_have_count(0)
    expect(page.locator(".chip-state")).to_contain_text("No key")


def test_a_key_that_is_not_taken_is_said_so(keys: dict[str, str], sight: Sight, page: Page) -> None:
    enter(page, "not-a-key")

    expect(page.get_by_role("heading", name="This key is not taken")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("unknown, expired or revoked")


def test_with_a_key_the_view_of_the_address_is_shown_with_its_pictures(
    keys: dict[str, str], sight: Sight, page: Page
) -> None:
    sight.go("identity/person-03")
    enter(page, keys["admin"])

    expect(page.get_by_role("heading", name="person-03")).to_be_visible()
    sight.pictures_shown()
    assert sight.first_picture().startswith("blob:")
    sight.go("search")
    sight.search(*query_frames(3))
    expect(page.locator(".ranking h3").first).to_have_text("person-03")


def test_the_key_is_kept_nowhere_but_in_memory(
    keys: dict[str, str], sight: Sight, page: Page
) -> None:
    enter(page, keys["query"])
    expect(page.locator(".chip-state")).to_contain_text("Ready")

    kept = page.evaluate(
        """async () => {
            // Item by item: one that is called `key` hides behind the method of that name.
            const items = (store) => Array.from(store, (_, at) => store.getItem(store.key(at)));
            return JSON.stringify([items(localStorage), items(sessionStorage),
                document.cookie, location.href, await indexedDB.databases(),
                document.documentElement.outerHTML]);
        }"""
    )
    assert keys["query"] not in kept
    assert sight.context.cookies() == []
    assert not any(keys["query"] in url for url in sight.requests)
    page.reload()
    expect(page.get_by_role("heading", name="A key is needed")).to_be_visible()


def test_a_key_is_forgotten_on_demand_with_all_that_it_showed(
    keys: dict[str, str], sight: Sight, page: Page
) -> None:
    enter(page, keys["query"])
    sight.go("gallery?list=tracklets")
    sight.pictures_shown()
    picture = sight.first_picture()
    page.get_by_role("link", name="State").click()
    page.get_by_role("button", name="Forget the key").click()

    expect(page.get_by_role("heading", name="A key is needed")).to_be_visible()
    assert not sight.is_readable(picture)


def test_what_the_role_does_not_allow_is_said_instead_of_offered(
    keys: dict[str, str], sight: Sight, page: Page
) -> None:
    enter(page, keys["query"])
    sight.go("identity/person-03")

    expect(page.get_by_text("Merging needs a key with the role enrol.")).to_be_visible()
    expect(page.get_by_text("Erasing needs a key with the role admin.")).to_be_visible()
    expect(page.get_by_role("button", name="Merge")).to_have_count(0)
    sight.go("enrol")
    expect(page.get_by_text("Your key does not allow this")).to_be_visible()


def test_a_key_that_is_revoked_meanwhile_closes_the_page(
    service: Service, keys: dict[str, str], sight: Sight, page: Page
) -> None:
    key_id, key = make_key(service.gallery, "query")
    enter(page, key)
    expect(page.locator(".chip-state")).to_contain_text("Ready")
    revoke(service.gallery, key_id)

    page.get_by_role("link", name="Gallery", exact=True).click()

    expect(page.get_by_role("heading", name="This key is not taken")).to_be_visible()
