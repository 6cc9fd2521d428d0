"""Hooks of the pytest plugin for tests that use the mock; loaded with the first test."""

import os
import re
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2s
from typing import Any

import pytest

from crmcom_kit.mock_server.pytest_plugin import STRICTNESS, WOULD_FAIL
from crmcom_kit.mock_server.pytest_plugin.network_guard import Guard, ReachAttempt
from crmcom_kit.mock_server.python_api import Mock, MockWorld
from crmcom_kit.mock_server.python_api.requests import summarize_requests
from crmcom_kit.mock_server.world.registry import WORLDS
from crmcom_kit.mock_server.world.world import DEFAULT, World
from crmcom_kit.schemas import API_PATH

_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME = 48
_PHASE = re.compile(r" \((setup|call|teardown)\)$")
_REMEDY = "Expect a refusal with expect_refusal; crmcom_mock_strict = false turns this check off."


class WatchedMock(Mock):
    """A mock that tells what a strict test does not expect in any of its worlds."""

    __slots__ = ()

    def worlds(self) -> list[World]:
        """Return the emulator's worlds."""
        return self._registry.worlds()

    def unexpected(self) -> list[str]:
        """Return a line for each unexpected event."""
        self._server.catch_up()
        return [f"world {w.name}: {line}" for w in self.worlds() for line in w.unexpected()]

    def clear(self) -> None:
        """End all named worlds; a test with a wrong URL may have changed the default world."""
        self._registry.end_all()
        self.reset()

    def pop_unexpected_requests(self) -> list[str]:
        """Return a line for each unexpected request, and forget them."""
        self._server.catch_up()
        return [
            f"world {world.name}: {world.redactor.text(line)}"
            for world in self.worlds()
            for line in world.current_epoch.expectations.pop_unexpected()
        ]


#: Of a test: the emulator's world, and the mock that serves it.
_WORLD = pytest.StashKey[tuple[World, WatchedMock]]()


def world_name(test: str) -> str:
    """Return the name of a test's world, which is readable and unique for every test id."""
    name = _NOT_ALLOWED.sub("-", test.rpartition("::")[2]).strip("-._")[:_MAX_NAME]
    return f"{name or 'test'}-{blake2s(test.encode(), digest_size=4).hexdigest()}"


@contextmanager
def world_of_test(server: WatchedMock, item: pytest.Item) -> Iterator[MockWorld]:
    """Create a world for a test; end it with the block."""
    world = server.world(world_name(item.nodeid))
    item.stash[_WORLD] = world.emulated, server
    try:
        yield world
    finally:
        server.clear()


class MockHooks:
    """Hooks for the tests of a run that uses the mock."""

    def __init__(self, hosts: Sequence[str]) -> None:
        """Block ``hosts`` until the run ends."""
        self._guard = Guard(hosts, running_test)
        self._reported_attempts: Counter[ReachAttempt] = Counter()
        #: Mocks of the factory: those that run, and those that ended in the running test.
        self._mocks: list[WatchedMock] = []
        self._ended: list[WatchedMock] = []
        if hosts:
            self._guard.start()

    def pytest_unconfigure(self) -> None:
        """Stop blocking."""
        self._guard.stop()

    def attempt_lines(self) -> list[str]:
        """Return one line for each attempt to reach a real host."""
        return [str(attempt) for attempt in tuple(self._guard.attempts)]

    def _new_attempts(self, test: str) -> list[str]:
        """Return the unreported attempts of a test."""
        new_attempts = self._guard.attempts.copy() - self._reported_attempts
        attempts = {attempt: n for attempt, n in new_attempts.items() if attempt.test == test}
        self._reported_attempts.update(attempts)
        return [str(attempt) for attempt in attempts]

    @contextmanager
    def mock(
        self, config: pytest.Config, configured: Mapping[str, Any], **options: Any
    ) -> Iterator[Mock]:
        """Run a mock with the configured options and others, which strict tests watch.

        Raises AssertionError at the end if a strict test is running and something was unexpected.
        """
        __tracebackhide__ = True
        with WatchedMock(**{**configured, **options}) as mock:
            self._mocks.append(mock)
            try:
                yield mock
            finally:
                self._mocks.remove(mock)
                self._ended.append(mock)
        if message := _judge(config, running_test(), mock.unexpected()):
            raise AssertionError(message)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Fail a passed test that tried to reach a real host; if strict, for unexpected events.

        Show the requests of a failed test, and its faults that were never hit.
        """
        report = yield
        lines = [] if report.when == "setup" and report.passed else self._unexpected(item)
        if report.when == "call" and report.passed:
            message = _judge(item.config, item.nodeid, lines)
            if message is not None:
                report.outcome, report.longrepr = "failed", message
        attempts = self._new_attempts(item.nodeid)
        if attempts and report.outcome == "passed":
            report.outcome = "failed"
            report.longrepr = "\n".join(
                ("A connection to the real CRM.COM was blocked:", *attempts)
            )
        if report.outcome == "failed":
            self._show_requests(item, report)
        if report.when == "teardown":
            self._ended.clear()
        del call
        return report

    def _unexpected(self, item: pytest.Item) -> list[str]:
        """Return a line for each event that a test did not expect.

        A mock of the factory may outlive the test: its requests are forgotten, so that no other
        test fails for them; the rest is told when it ends.
        """
        lines = [line for mock in self._mocks for line in mock.pop_unexpected_requests()]
        if _WORLD in item.stash:
            server = item.stash[_WORLD][1]
            lines += server.unexpected()
            lines += [
                f"world {DEFAULT}: {request}: the URL of the test's world is crmcom_mock.url"
                for request in server.requests
            ]
        return lines

    def _show_requests(self, item: pytest.Item, report: pytest.TestReport) -> None:
        """Add the requests of a failed test to its report, and its faults that were never hit."""
        worlds = [world for mock in (*self._mocks, *self._ended) for world in mock.worlds()]
        if _WORLD in item.stash:
            world, server = item.stash[_WORLD]
            # At the end of the test its world is no longer among the worlds.
            worlds += [world, *(w for w in server.worlds() if w not in (world, server.emulated))]
        for world in worlds:
            title = f"crmcom_mock: requests of world {world.name}"
            path = API_PATH if world.name == DEFAULT else f"{WORLDS}{world.name}{API_PATH}"
            report.sections.append((title, summarize_requests(world) or f"none below {path}"))
            faults = "\n".join(map(str, world.faults.never_hit()))
            if faults:
                title = f"crmcom_mock: faults that hit no request of world {world.name}"
                report.sections.append((title, world.redactor.text(faults)))


def _judge(config: pytest.Config, test: str, lines: Sequence[str]) -> str | None:
    """Return why a strict test fails for unexpected events, or None."""
    strictness = config.stash[STRICTNESS]
    if strictness == "report":
        config.stash.setdefault(WOULD_FAIL, []).extend(f"{test}: {line}" for line in lines)
    if strictness != "true" or not lines:
        return None
    return "\n  ".join((f"crmcom_strict: unexpected: {lines[0]}", *lines[1:], _REMEDY))


def running_test() -> str:
    """Return the id of the running test, which pytest keeps in the environment."""
    return _PHASE.sub("", os.environ.get("PYTEST_CURRENT_TEST", "something outside any test"))
