"""One test for each statement of the contract: what the run against the target says of it."""

from typing import Any

import pytest

from crmcom_kit.contract_tests.reports.report import fails, failure_details, visible


def test_the_run_itself(report: dict[str, Any]) -> None:
    """The target could be reached, and something of it was checked."""
    summary = report["summary"]
    if summary["exit_code"] == 2:
        why = summary["trouble"] or "nothing could be checked"
        pytest.fail(visible(f"The run failed: {why}"), pytrace=False)


def test_statement(statement_id: str, verdicts: dict[str, dict[str, Any]]) -> None:
    """The statement holds, or deviates as listed; what was not tried is skipped, with why."""
    found = verdicts[statement_id]
    if found["verdict"] in ("not_exercised", "deviates"):
        pytest.skip(f"{found['verdict']}: {found['why']}")
    if fails(found):
        pytest.fail(visible(failure_details(found)), pytrace=False)
