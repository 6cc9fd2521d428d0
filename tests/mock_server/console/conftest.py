"""Pages of a mock in Chromium or Chrome, driven by Playwright: the console, and others."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from helpers.chromium import browser_path
from helpers.console import PATIENCE_MS, Console
from helpers.serving import origin_of
from playwright.sync_api import BrowserContext, expect, sync_playwright

from crmcom_kit.mock_server.python_api import Mock, crmcom_mock

_FLAGS = (
    "--no-sandbox",  # which root cannot have
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    # Names that lead to this machine, as an attacker's name server could say.
    "--host-resolver-rules=MAP *.example 127.0.0.1",
)


#: The browser that runs, and what ends it.
_RUNNING: list[tuple[BrowserContext, ExitStack]] = []


@pytest.fixture
def browser() -> BrowserContext:
    """One Chromium, with one profile, for the tests of this folder: each mock is another origin."""
    if not _RUNNING:
        path = browser_path()
        expect.set_options(timeout=PATIENCE_MS)
        with ExitStack() as stack:
            playwright = stack.enter_context(sync_playwright())
            started = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
            stack.callback(started.close)
            profile = started.new_context(viewport={"width": 1400, "height": 900})
            profile.set_default_timeout(PATIENCE_MS)
            profile.grant_permissions(["clipboard-read", "clipboard-write"])
            profile.new_page()  # for all tests: a new one takes more time than a test
            _RUNNING.append((profile, stack.pop_all()))
    return _RUNNING[0][0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """End the browser with the folder's tests: Playwright's loop runs in the thread meanwhile."""
    try:
        yield
    finally:
        if _RUNNING and (nextitem is None or nextitem.path.parent != item.path.parent):
            _RUNNING.pop()[1].close()


@pytest.fixture
def mock(request: pytest.FixtureRequest) -> Iterator[Mock]:
    """A mock on the sample data, served over HTTP; a test's parameter has more options."""
    with crmcom_mock(tokens=("T",), **getattr(request, "param", {})) as mock:
        yield mock.start()


@pytest.fixture
def console(browser: BrowserContext, mock: Mock) -> Iterator[Console]:
    """The console of ``mock``; fails at the end if a page had an error."""
    with Console(browser, origin_of(mock)) as console:
        yield console
