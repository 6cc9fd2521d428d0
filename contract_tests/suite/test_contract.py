"""One test for each statement of the contract, with the verdict of the one run.

Beside them, the state machine sends what Hypothesis draws to the mock that the suite starts.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from crmcom_kit.contract_tests.client.targets import Target, own_mock
from crmcom_kit.contract_tests.machine import ContractMachine
from crmcom_kit.contract_tests.options.options import OptionsError, check_only, check_values
from crmcom_kit.contract_tests.oracle.findings import Verdict
from crmcom_kit.contract_tests.plugin import as_in_pytest, given_options
from crmcom_kit.contract_tests.recorded.reading import release_in
from crmcom_kit.contract_tests.reports.report import fails, failure_details, failure_of_run, visible
from crmcom_kit.schemas.statements import checked_statements

pytest_plugins = ["crmcom_kit.contract_tests.pytest_fixtures"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each statement that is in force and fits --crmcom-only."""
    if "statement_id" in metafunc.fixturenames:
        cases = list(_chosen(given_options(metafunc.config)))
        metafunc.parametrize("statement_id", cases)


def _chosen(values: dict[str, Any]) -> Iterator[Any]:
    try:
        check_values(values)  # here, or each test would have the same error
        paths = [Path(name) for name in values["from_har"]]
        release = values["release"] or release_in(paths).name
        check_only(values["only"], release)
    except OptionsError as error:
        raise pytest.UsageError(as_in_pytest(str(error))) from None
    for statement in checked_statements(release, values["only"]):
        yield pytest.param(statement.id, id=statement.id)


def test_the_run_itself(report: dict[str, Any]) -> None:
    """The target could be reached, and all that must be seen was seen."""
    if failure := failure_of_run(report):
        pytest.fail(visible(as_in_pytest(failure)), pytrace=False)


def test_statement(statement_id: str, report: dict[str, Any]) -> None:
    """The statement holds, or deviates as listed; one that was not exercised is skipped."""
    entry = next(entry for entry in report["statements"] if entry["id"] == statement_id)
    if fails(entry):
        # Only here, since scripts name options of curl.
        entry = {**entry, "why": as_in_pytest(entry["why"])}
        pytest.fail("\n".join(failure_details(entry)), pytrace=False)
    if entry["verdict"] != Verdict.HOLDS:
        pytest.skip(as_in_pytest(f"{entry['verdict']}: {entry['why']}"))


class _OwnMock(ContractMachine):
    """Checks the mock that the suite starts, which is reset for each example."""

    mock: ClassVar[Target]

    def target(self) -> Target:
        """Return the mock, reset."""
        if self.mock.reset is not None:
            self.mock.reset()
        return self.mock


class TestMachine(_OwnMock.TestCase):  # type: ignore[misc, valid-type]
    """Requests that Hypothesis draws; only to the mock that the suite starts."""

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
