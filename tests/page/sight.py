"""One browser window on the page: what a test does in it, and what it must never do."""

from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE = 30_000
"""Milliseconds until what does not come counts as missing."""


class Sight:
    """A page, and everything that the browser complained about on the way."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.complaints: list[str] = []
        self.requests: list[str] = []
        context.set_default_timeout(PATIENCE)
        self.page: Page = context.new_page()
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", self._on_request)

    def go(self, view: str = "") -> None:
        """Open a view by its address, such as `gallery?list=tracklets`."""
        self.page.goto(f"{self.url}/#/{view}" if view else self.url)
        self.page.locator("#view-title, #key-door-title").first.wait_for()

    def choose_files(self, *paths: Path) -> None:
        self.page.set_input_files("input[type=file]", [str(path) for path in paths])

    def search(self, *paths: Path) -> Locator:
        """Drop files and search; the list of results."""
        self.choose_files(*paths)
        self.page.get_by_role("button", name="Search", exact=True).click()
        ranking = self.page.locator(".ranking")
        ranking.wait_for()
        return ranking

    def pictures_shown(self) -> None:
        """Wait until every frame in sight is shown."""
        self.page.wait_for_function(
            """() => [...document.querySelectorAll('.frame')]
                .filter((frame) => {
                    const box = frame.getBoundingClientRect();
                    return box.bottom > 0 && box.top < innerHeight;
                })
                .every((frame) => frame.dataset.state === 'shown' &&
                    frame.querySelector('img').complete)"""
        )

    def is_readable(self, url: str) -> bool:
        """Whether an object URL still leads to a picture."""
        loads: bool = self.page.evaluate(
            """(url) => new Promise((resolve) => {
                const picture = new Image();
                picture.onload = () => resolve(true);
                picture.onerror = () => resolve(false);
                picture.src = url;
            })""",
            url,
        )
        return loads

    def first_picture(self) -> str:
        """The object URL of the first frame that is shown."""
        url = self.page.locator(".frame img").first.get_attribute("src")
        assert url is not None
        return url

    def too_wide(self) -> int:
        """By how many pixels the view is wider than the window."""
        width: int = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return width

    def _on_console(self, message: ConsoleMessage) -> None:
        # A refusal of the service is no fault of the page; a violated policy is.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.complaints.append(f"{message.type}: {message.text}")

    def _on_request(self, request: Request) -> None:
        self.requests.append(request.url)
        if not request.url.startswith((self.url, "blob:")):
            self.complaints.append(f"asked another host: {request.url}")


def query_frames(number: int) -> list[Path]:
    """The frames of a held-out sample, which shows the person of that number."""
    return sorted((EXAMPLES / "queries" / f"walk-{number:02d}").iterdir())


def query_clip(number: int) -> Path:
    return EXAMPLES / "queries" / f"walk-{number:02d}.mp4"
