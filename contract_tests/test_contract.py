"""One test for each statement of the contract: what the run against the target says of it."""

from typing import Any

import pytest


def test_the_run_itself(report: dict[str, Any]) -> None:
    """The target could be reached, and something of it was checked."""
    summary = report["summary"]

    assert summary["trouble"] is None
    assert summary["achieved"] > 0


def test_statement(statement_id: str, verdicts: dict[str, dict[str, Any]]) -> None:
    """The statement holds, or deviates as listed; what was not tried is skipped, with why."""
    found = verdicts[statement_id]
    if found["verdict"] in ("not_exercised", "deviates"):
        pytest.skip(f"{found['verdict']}: {found['why']}")
    assert found["verdict"] == "holds", "\n".join(_lines(found))
    assert not found["stale"], found["why"]


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"{found['verdict']}: {found['text']} ({found['source']})", found["why"]]
    for violation in found["violations"]:
        lines += [f"expected {violation['expected']}", f"seen {violation['seen']}"]
        lines += violation["curl"]
    return lines
