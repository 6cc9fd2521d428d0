"""The console in Chromium or Chrome, driven by Playwright, before a mock of its own."""

from collections.abc import Iterator

import pytest
from helpers.chromium import browser_path
from helpers.console import PATIENCE_MS, Console
from playwright.sync_api import Browser, expect, sync_playwright

from crmcom_kit.mock_server.python_api import Mock, crmcom_mock

#: Root cannot have Chromium's sandbox.
_FLAGS = ("--no-sandbox", "--disable-quic", "--disable-background-networking")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module; a loop of Playwright runs in the thread meanwhile."""
    path = browser_path()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield found
        found.close()


@pytest.fixture
def mock(request: pytest.FixtureRequest) -> Iterator[Mock]:
    """A mock on the sample data, served over HTTP; a test's parameter has more options."""
    with crmcom_mock(tokens=("T",), **getattr(request, "param", {})) as found:
        yield found.start()


@pytest.fixture
def console(browser: Browser, mock: Mock) -> Iterator[Console]:
    """The console of ``mock``; fails at the end if a page had an error."""
    with Console(browser, mock.origin) as found:
        yield found
