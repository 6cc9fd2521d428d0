"""The console of a mock in a real browser."""

from typing import Self

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, WebError, expect

from helpers.patience import PATIENCE

#: How long a page may take to show what is expected, in ms.
PATIENCE_MS = PATIENCE * 1000


class Console:
    """The console of a mock, in tabs of the browser."""

    def __init__(self, browser: BrowserContext, url: str) -> None:
        """Show the mock at ``url``."""
        self.url = url
        self._browser = browser
        self._opened = False
        #: What went wrong in the pages: uncaught errors, and messages of the kind "error".
        self.errors: list[str] = []
        #: Whether requests of the page may fail; the browser reports each one that does.
        self.failures_expected = False

    def open(self, address: str = "", *, width: int = 1400, height: int = 900) -> Page:
        """Show the console in the first tab, later in others; ``address`` follows the ``#``."""
        page = self._browser.new_page() if self._opened else self._browser.pages[0]
        self._opened = True
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{self.url}/#{address}")
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        """Keep an error, unless it is Chromium's note that the mock has refused a call."""
        refused = "status of 40" in message.text and "/__admin/" in message.location["url"]
        expected = self.failures_expected and message.text.startswith("Failed to load resource")
        if message.type == "error" and not refused and not expected:
            self.errors.append(message.text)

    def _failed(self, error: WebError) -> None:
        """Keep an error that no script has caught."""
        self.errors.append(str(error.error))

    def __enter__(self) -> Self:
        """Be the console until the block ends."""
        self._browser.on("weberror", self._failed)
        self._browser.on("console", self._heard)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave one tab, an empty one; fail if a page had an error."""
        first, *others = self._browser.pages
        for page in others:
            page.close()
        first.unroute_all()
        first.goto("about:blank")
        self._browser.remove_listener("weberror", self._failed)
        self._browser.remove_listener("console", self._heard)
        assert self.errors == []


def fill(page: Page, form: str, button: str, **fields: str) -> None:
    """Fill fields of a form, by their names, and press its button."""
    found = page.get_by_role("form", name=form, exact=True)
    for name, value in fields.items():
        found.locator(f"[name={name}]").fill(value)
    found.get_by_role("button", name=button).click()


def details(page: Page) -> Locator:
    """What is shown of the item that is open."""
    return page.get_by_role("complementary", name="Details")


def confirm(page: Page, button: str) -> None:
    """Press the button of the dialog that asks."""
    page.get_by_role("dialog").get_by_role("button", name=button).click()


def copied(page: Page) -> str:
    """Copy what can be copied as curl; return it."""
    page.get_by_role("button", name="Copy as curl").first.click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    return str(page.evaluate("navigator.clipboard.readText()"))


def settled(page: Page) -> None:
    """Wait until the page shows what its address asks for."""
    expect(page.locator("main, aside").filter(has_text="Loading …")).to_have_count(0)
    page.evaluate("() => new Promise(requestAnimationFrame)")
