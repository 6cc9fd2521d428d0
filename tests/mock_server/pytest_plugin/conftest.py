"""Runs of pytest inside a test, as users of the plugin have them."""

from pathlib import Path

import httpcore  # noqa: F401 - see below
import pytest
from helpers.tools import FEWER_PLUGINS

# Imported here, so that inner runs share these imports; otherwise each would register the hook once
# more, and httpx would know the exceptions of another httpcore.
import crmcom_kit.mock_server.pytest_plugin.hooks  # noqa: F401

#: Helpers pasted before each inner test.
HELPERS = """
import pytest

def show(world, number="7"):
    given = {"token": world.token, "webhook_request_identifier": f"number={number}"}
    with world.client() as client:
        return client.get("webhook_requests/show", params=given)

def delete(world, number="7"):
    body = {"token": world.token, "webhook_request_identifier": {"number": number}}
    with world.client() as client:
        return client.post("webhook_requests/delete", json=body)
"""


class Run:
    """Runs tests in a folder of their own."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester

    @property
    def folder(self) -> Path:
        """The folder in which they run."""
        return self._pytester.path

    def __call__(
        self, tests: str, *flags: str, ini: str = "", in_new_process: bool = False
    ) -> pytest.RunResult:
        """Run tests with flags and lines of the configuration file, here or ``in_new_process``."""
        self._pytester.makeini(f"[pytest]\nfilterwarnings = error\n{ini}")
        self._pytester.makepyfile(test_it=HELPERS + tests)
        # What is imported in a run is forgotten after it: plugins would be imported for each.
        given = (*FEWER_PLUGINS, "-p", "no:cacheprovider", *flags)
        if in_new_process:
            return self._pytester.runpytest_subprocess(*given, timeout=280)
        return self._pytester.runpytest_inprocess(*given)


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "200")
    return Run(pytester)
