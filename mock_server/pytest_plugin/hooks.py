"""Hooks of the pytest plugin for tests that use the mock; loaded with the first test."""

import os
import re
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2s
from typing import Any

import pytest

from crmcom_kit.mock_server.pytest_plugin.network_guard import Guard, ReachAttempt
from crmcom_kit.mock_server.python_api import Mock, MockWorld
from crmcom_kit.mock_server.python_api.requests import summarize_requests
from crmcom_kit.mock_server.world.registry import WORLDS
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas import API_PATH
from crmcom_kit.usage_errors import UsageError

_WORLD = pytest.StashKey[tuple[MockWorld, World]]()
_STRICT = pytest.StashKey[bool]()
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME = 48
_PHASE = re.compile(r" \((setup|call|teardown)\)$")

Marks = Sequence[tuple[tuple[Any, ...], dict[str, Any]]]


def world_name(test: str) -> str:
    """Return the name of a test's world, which is readable and unique for every test id."""
    name = _NOT_ALLOWED.sub("-", test.rpartition("::")[2]).strip("-._")[:_MAX_NAME]
    return f"{name or 'test'}-{blake2s(test.encode(), digest_size=4).hexdigest()}"


@contextmanager
def world_of_test(
    server: Mock, item: pytest.Item, faults: Marks, *, strict: bool
) -> Iterator[MockWorld]:
    """Create a world for a test, with faults; end it with the block.

    With ``strict``, unexpected events in the world fail a test that would pass.
    """
    world = server.world(world_name(item.nodeid))
    item.stash[_WORLD] = world, world.emulated
    item.stash[_STRICT] = strict
    try:
        for arguments, options in faults:
            _inject(item, world, arguments, options)
        yield world
    finally:
        world.end()


def _inject(
    item: pytest.Item, world: MockWorld, arguments: tuple[Any, ...], options: dict[str, Any]
) -> None:
    """Inject the fault of a marker, or fail the test without a traceback into the mock."""
    try:
        preset, *excess = arguments or (None,)
        if excess:
            count, allowed = f"{len(arguments)} arguments", "one, and others by name"
            raise UsageError("preset", seen=count, allowed=allowed)
        world.fail(preset, **options)
    except ValueError as error:  # its message names the argument and the allowed values
        msg = f"{item.nodeid}: marker crmcom_fault: {error}"
        raise pytest.fail.Exception(msg, pytrace=False) from None


class MockHooks:
    """Hooks for the tests of a run that uses the mock."""

    def __init__(self, hosts: Sequence[str]) -> None:
        """Block ``hosts`` until the run ends."""
        self._guard = Guard(hosts, running_test)
        self._reported_attempts: Counter[ReachAttempt] = Counter()
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

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Fail a passed test that tried to reach a real host; if strict, for unexpected events.

        Show the requests of a failed test, and its faults that were never hit.
        """
        report = yield
        if report.when == "call" and report.passed and item.stash.get(_STRICT, False):
            _fail_if_unexpected(report, item.stash[_WORLD][0])
        attempts = self._new_attempts(item.nodeid)
        if attempts and report.outcome == "passed":
            report.outcome = "failed"
            report.longrepr = "\n".join(
                ("A connection to the real CRM.COM was blocked:", *attempts)
            )
        if report.outcome == "failed" and _WORLD in item.stash:
            test_world, world = item.stash[_WORLD]
            # At the end of the test its world is gone; a look-up would create it again.
            children = [] if report.when == "teardown" else test_world.children
            for tenant in (world, *(child.emulated for child in children)):
                title = f"crmcom_mock: requests of world {tenant.name}"
                text = summarize_requests(tenant) or f"none below {WORLDS}{tenant.name}{API_PATH}"
                report.sections.append((title, text))
                faults = "\n".join(map(str, tenant.faults.never_hit()))
                if faults:
                    title = f"crmcom_mock: faults that hit no request of world {tenant.name}"
                    report.sections.append((title, tenant.redactor.text(faults)))
        del call
        return report


def _fail_if_unexpected(report: pytest.TestReport, world: MockWorld) -> None:
    """Fail a passed test for unexpected events in its world, or in a child of it."""
    for candidate in (world, *world.children):
        try:
            candidate.assert_nothing_unexpected()
        except AssertionError as error:
            report.outcome = "failed"
            report.longrepr = f"crmcom_strict: world {candidate.name}: {error}"
            return


def running_test() -> str:
    """Return the id of the running test, which pytest keeps in the environment."""
    return _PHASE.sub("", os.environ.get("PYTEST_CURRENT_TEST", "something outside any test"))
