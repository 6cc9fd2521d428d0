"""The console of a mock in a real browser."""

from playwright.sync_api import Browser, Page

#: How long a page may take to show what is expected, in ms; the machine may be busy.
PATIENCE = 15_000


class Console:
    """The console of a mock, in tabs of one browser profile."""

    def __init__(self, browser: Browser, url: str) -> None:
        """Show the mock at ``url``."""
        self.url = url
        self._context = browser.new_context(viewport={"width": 1400, "height": 900})
        self._context.set_default_timeout(PATIENCE)
        self._context.grant_permissions(["clipboard-read", "clipboard-write"])
        #: What went wrong in the pages: uncaught errors, and messages of the kind "error".
        self.errors: list[str] = []

    def open(self, address: str = "", *, width: int = 1400, height: int = 900) -> Page:
        """Open a tab; ``address`` is what follows the ``#``."""
        page = self._context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type == "error" else None,
        )
        page.goto(f"{self.url}/#{address}")
        return page

    def close(self) -> None:
        """Close all tabs."""
        self._context.close()
