"""What the pytest plugin does for tests that use the mock; loaded with the first of them."""

import os
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2s
from typing import Any

import pytest

from crmcom_kit.mock_server.pytest_plugin.network_guard import HOSTS, Guard
from crmcom_kit.mock_server.python_api import Mock, MockWorld
from crmcom_kit.mock_server.python_api.calls import summarize_calls
from crmcom_kit.mock_server.world.world import World

_LENT = pytest.StashKey[tuple[MockWorld, World]]()
_OTHERS = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME = 48
_PHASE = re.compile(r" \((setup|call|teardown)\)$")

Marks = Sequence[tuple[tuple[Any, ...], dict[str, Any]]]


def world_name(test: str) -> str:
    """Return what the world of a test is called: like the test, and unlike any other test's."""
    name = _OTHERS.sub("-", test.rpartition("::")[2]).strip("-._")[:_MAX_NAME]
    return f"{name or 'test'}-{blake2s(test.encode(), digest_size=4).hexdigest()}"


@contextmanager
def lent(server: Mock, item: pytest.Item, faults: Marks) -> Iterator[MockWorld]:
    """Lend a test a world of its own, with faults in it."""
    world = server.world(world_name(item.nodeid))
    item.stash[_LENT] = world, world.emulated
    try:
        for arguments, more in faults:
            world.fail(*arguments, **more)
        yield world
    finally:
        world.end()


class Watch:
    """Hooks for the tests of a run that uses the mock."""

    def __init__(self, hosts: Sequence[str] | None) -> None:
        """Guard against ``hosts``, the usual ones where it is empty; not at all without a list."""
        self._guard = None if hosts is None else Guard(hosts or HOSTS, running_test)
        self._told = 0
        if self._guard is not None:
            self._guard.start()

    def end(self) -> None:
        """Watch no longer."""
        if self._guard is not None:
            self._guard.stop()

    def reached(self) -> list[str]:
        """Return who tried to reach which real host."""
        found = () if self._guard is None else tuple(self._guard.reached)
        return [f"{who} tried to reach {host}" for who, host in found]

    def _told_of(self, test: str) -> list[str]:
        """Return what is new about a test; what another one did is not its fault."""
        reached = self.reached()
        new, self._told = reached[self._told :], len(reached)
        return [line for line in new if line.startswith(f"{test} ")]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Fail a test that survived an attempt to reach a real host; show what a failed one did."""
        report = yield
        new = self._told_of(item.nodeid)
        if new and report.outcome == "passed":
            report.outcome = "failed"
            report.longrepr = "\n".join(("The real CRM.COM was about to be reached:", *new))
        if report.outcome == "failed" and _LENT in item.stash:
            for world in _concerned(*item.stash[_LENT], ended=report.when == "teardown"):
                report.sections.append(
                    (f"crmcom_mock: calls of world {world.name}", summarize_calls(world))
                )
        del call
        return report


def _concerned(lent: MockWorld, world: World, *, ended: bool) -> list[World]:
    """Return the worlds whose calls are worth showing; one that is ended is not made anew."""
    return [world] if ended else [world, *(one.emulated for one in lent.children)]


def running_test() -> str:
    """Return the id of the test that runs, as pytest tells everybody."""
    return _PHASE.sub("", os.environ.get("PYTEST_CURRENT_TEST", "something outside any test"))
