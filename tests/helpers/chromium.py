"""Pages in a real browser: Chromium or Chrome, without a screen."""

import subprocess
import tempfile

from helpers.tools import tool

_FLAGS = (
    "--headless",
    "--no-sandbox",  # which root cannot have
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=15000",  # ms; stands still while requests are on their way
    "--dump-dom",
)


def browser_path() -> str:
    """Return the path of a browser; skip the test where there is none."""
    # Chrome first: Ubuntu's chromium is a snap, which has no access to a profile in /tmp.
    return tool("google-chrome", "chromium", "chromium-browser")


def rendered(url: str, *flags: str) -> str:
    """Return the document at a URL after its scripts have run; skip where there is no browser."""
    browser = browser_path()
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [browser, *_FLAGS, f"--user-data-dir={profile}", *flags, url],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    return done.stdout
