"""Takes the pictures of the README and docs/page.md from the sample archive.

    python -m tests.page.take_screenshots            # writes docs/pictures/page-*.webp

The service is a real one with the bundle that ships; Chromium must be installed.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, sync_playwright

from model.bundle import DEFAULT_BUNDLE
from model.opencv import cv2
from model.terminal import console
from tests.page.conftest import EXAMPLES, FLAGS, ROOT, chromium
from tests.page.sight import Sight, query_frames
from tests.support.running import command, environment
from tests.support.serving import Service

WIDE = {"width": 1280, "height": 860}
TALL = 1040
"""Pixels of a window in which the strips below the large frames are in sight."""
NARROW = {"width": 400, "height": 860}
QUALITY = 88
SHOWN = 3
"""Which of the held-out people is searched for."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        gallery = Path(folder) / "gallery"
        shared = ("--gallery", str(gallery), "--model", str(DEFAULT_BUNDLE))
        subprocess.run(
            command("index", EXAMPLES / "archive", *shared), env=environment(), check=True
        )
        service = Service(*shared, "--port", "0")
        try:
            take_all(service.url, out)
        finally:
            service.stop()


def take_all(url: str, out: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for scheme in ("light", "dark"):
            take_search(open_page(browser, url, scheme), out, scheme)
        take_path(open_page(browser, url, "light"), out / "page-path.webp")
        take_path(open_page(browser, url, "light", NARROW), out / "page-narrow.webp")
        browser.close()


def open_page(
    browser: Browser, url: str, scheme: str, window: dict[str, int] | None = None
) -> Sight:
    context = browser.new_context(
        viewport=window or WIDE,  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
    )
    sight = Sight(context, url)
    sight.go()
    return sight


def take_search(sight: Sight, out: Path, scheme: str) -> None:
    """The results of a search, and one of them beside the query with heat maps."""
    sight.search(*query_frames(SHOWN))
    take(sight, out / f"page-search-{scheme}.webp")
    sight.page.locator(".hit-frames").first.click()
    sight.page.get_by_role("button", name="Heat map").click()
    sight.page.locator("canvas.heat").nth(13).wait_for()
    sight.page.set_viewport_size(WIDE | {"height": TALL})  # type: ignore[arg-type]
    take(sight, out / f"page-attention-{scheme}.webp")


def take_path(sight: Sight, path: Path) -> None:
    """Where the person was seen, once it has been read."""
    sight.go(f"identity/person-{SHOWN:02d}")
    sight.page.locator(".sighting").first.wait_for()
    take(sight, path)


def take(sight: Sight, path: Path) -> None:
    """Write what the window shows, as WebP: a tenth of a PNG of photographs."""
    sight.pictures_shown()
    sight.page.evaluate("document.activeElement?.blur()")
    pixels = np.frombuffer(sight.page.screenshot(), np.uint8)
    picture = cv2.imdecode(pixels, cv2.IMREAD_COLOR)
    assert picture is not None
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    console.print(f"{path.name}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
