"""The console in Chromium or Chrome, driven by Playwright, before a mock of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.chromium import browser_path
from helpers.console import PATIENCE, Console
from helpers.mock_processes import MockProcess
from playwright.sync_api import Browser, expect, sync_playwright

from crmcom_kit.mock_server.python_api import Mock, crmcom_mock

#: Root cannot have Chromium's sandbox.
_FLAGS = ("--no-sandbox", "--disable-quic", "--disable-background-networking")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module; a loop of Playwright runs in the thread meanwhile."""
    path = browser_path()
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield found
        found.close()


@pytest.fixture
def mock() -> Iterator[Mock]:
    """A mock on the sample data, served over HTTP."""
    with crmcom_mock(tokens=("T",)) as found:
        yield found.start()


@pytest.fixture
def console(browser: Browser, mock: Mock) -> Iterator[Console]:
    """The console of ``mock``; fails at the end if a page had an error."""
    found = Console(browser, mock.origin)
    yield found
    found.close()
    assert found.errors == []


@pytest.fixture
def protected(browser: Browser, tmp_path: Path) -> Iterator[Console]:
    """The console of a mock in a process of its own, with the admin token ``sesame-77``."""
    process = MockProcess("--port", "0", "--admin-token", "sesame-77", folder=tmp_path)
    found = Console(browser, process.base)
    found.failures_expected = True  # until the token is entered
    try:
        yield found
        found.close()
    finally:
        process.stop()
    assert found.errors == []
