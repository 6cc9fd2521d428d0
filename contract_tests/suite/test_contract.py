"""One test for each statement of the contract: what the run against the target says of it.

Beside them, on the mock that the suite starts, the state machine sends what Hypothesis draws.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from crmcom_kit.contract_tests.client.targets import Target, own_mock
from crmcom_kit.contract_tests.machine import ContractMachine
from crmcom_kit.contract_tests.options.options import OptionsError, check_values
from crmcom_kit.contract_tests.oracle.findings import Verdict
from crmcom_kit.contract_tests.plugin import as_in_pytest, given_options
from crmcom_kit.contract_tests.recorded.reading import release_in
from crmcom_kit.contract_tests.reports.report import (
    fails,
    failure_details,
    failure_of_run,
    visible,
)
from crmcom_kit.schemas.statements import checked_statements

pytest_plugins = ["crmcom_kit.contract_tests.pytest_fixtures"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each statement that is in force, and fits --crmcom-only."""
    if "statement_id" in metafunc.fixturenames:
        chosen = list(_chosen(given_options(metafunc.config)))
        metafunc.parametrize("statement_id", chosen)


def _chosen(values: dict[str, Any]) -> Iterator[Any]:
    try:
        check_values(values)  # here, since else each test would have the same error
        paths = [Path(each) for each in values["from_har"]]
        release = values["release"] or release_in(paths).name
        found = checked_statements(release, values["only"])
    except OptionsError as error:
        raise pytest.UsageError(as_in_pytest(str(error))) from None
    for statement in found:
        yield pytest.param(statement.id, id=statement.id)


def test_the_run_itself(report: dict[str, Any]) -> None:
    """The target could be reached, and all was seen that must be, but nothing else."""
    if said := failure_of_run(report):
        pytest.fail(visible(as_in_pytest(said)), pytrace=False)


def test_statement(statement_id: str, report: dict[str, Any]) -> None:
    """The statement holds, or deviates as listed; what was not tried is skipped, with why."""
    found = next(each for each in report["statements"] if each["id"] == statement_id)
    if fails(found):
        # Not the whole text: its scripts name options of curl.
        named = {**found, "why": as_in_pytest(found["why"])}
        pytest.fail("\n".join(failure_details(named)), pytrace=False)
    if found["verdict"] != Verdict.HOLDS:
        pytest.skip(as_in_pytest(f"{found['verdict']}: {found['why']}"))


class _OwnMock(ContractMachine):
    """Checks the mock that the suite starts: it is reset for each example."""

    mock: ClassVar[Target]

    def target(self) -> Target:
        """Return the mock with its first content."""
        if self.mock.reset is not None:
            self.mock.reset()
        return self.mock


class TestMachine(_OwnMock.TestCase):  # type: ignore[misc, valid-type]
    """Requests that Hypothesis draws, on the mock that the suite starts, and on nobody's server."""

    @pytest.fixture(autouse=True)
    def _on_the_mock_of_the_suite(self, pytestconfig: pytest.Config) -> None:
        """Start the mock with the release of the options."""
        values = given_options(pytestconfig)
        if values["base_url"] or values["from_har"]:
            pytest.skip("only on the mock that the suite starts: it is reset for each example")
        if values["only"] != "*":
            pytest.skip("only with all statements: --crmcom-only is given")
        if values["max_requests"]:
            pytest.skip("it sends more requests than --crmcom-max-requests allows")
        _OwnMock.mock = own_mock(values["release"] or "R9")
        _OwnMock.deviations = values["deviations"]
