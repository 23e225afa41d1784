"""A real headless Chromium against a real service with the bundle that ships and the samples.

One browser for a module's tests, so that Playwright's loop is gone before another module's tests
run in the same process. Galleries are made once and copied.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from model.bundle import DEFAULT_BUNDLE
from tests.page.sight import Sight
from tests.support.running import command, environment
from tests.support.serving import Service

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

StartService = Callable[..., Service]


def chromium() -> str | None:
    """Where a Chromium is: Debian's, or one of another name."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium here: `apt-get install chromium`")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def sample_gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample archive, indexed: 24 tracklets of 8 people under 5 cameras."""
    gallery = tmp_path_factory.mktemp("sample") / "gallery"
    subprocess.run(
        command("index", EXAMPLES / "archive", "--gallery", gallery, "--model", DEFAULT_BUNDLE),
        env=environment(),
        capture_output=True,
        check=True,
    )
    return gallery


@pytest.fixture(scope="module")
def start_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartService]:
    """Start services; all of them end with the module."""
    started: list[Service] = []

    def start(gallery: Path | None = None, *flags: str, **settings: str) -> Service:
        folder = tmp_path_factory.mktemp("service") / "gallery"
        if gallery is not None:
            shutil.copytree(gallery, folder)
        common = ("--gallery", str(folder), "--model", str(DEFAULT_BUNDLE), "--port", "0")
        service = Service(*common, *flags, SIGHTLINE_DRAIN_NOTICE_SECONDS="0", **settings)
        started.append(service)
        service.gallery = folder
        return service

    yield start
    for service in started:
        service.stop()


@pytest.fixture(scope="module")
def service(start_service: StartService, sample_gallery: Path) -> Service:
    """One service for the module, with the sample archive in its gallery."""
    return start_service(sample_gallery)


WINDOW = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def context(browser: Browser) -> BrowserContext:
    """Shared by a module's tests, as the page keeps nothing in it; its cache saves time."""
    return browser.new_context(viewport=WINDOW)


@pytest.fixture
def open_page(browser: Browser, context: BrowserContext) -> Iterator[Callable[..., Sight]]:
    """Open the page of a service; at the end it must have complained of nothing."""
    opened: list[Sight] = []

    def open_one(service: Service, view: str = "", **options: object) -> Sight:
        fitting = browser.new_context(**{"viewport": WINDOW} | options) if options else context
        sight = Sight(fitting, service.url)
        opened.append(sight)
        sight.go(view)
        return sight

    yield open_one
    complaints = [complaint for sight in opened for complaint in sight.complaints]
    for sight in opened:
        sight.page.close()
        if sight.context is not context:
            sight.context.close()
    assert complaints == []


@pytest.fixture
def sight(open_page: Callable[..., Sight], service: Service) -> Sight:
    """The page of the module's service, at its first view."""
    return open_page(service)


@pytest.fixture
def page(sight: Sight) -> Page:
    return sight.page
