"""Keyword arguments of a world, as a type checker sees them."""

import os
import subprocess
import sys
from pathlib import Path

from crmcom_kit.fixtures import Options
from crmcom_kit.mock_server import MockWorld
from crmcom_kit.mock_server.faults.specification import (
    FaultEffect,
    FaultMatch,
    FaultPresetArguments,
    FaultSpec,
    RefusalSpec,
)
from crmcom_kit.mock_server.journal.patterns import MEMBERS
from crmcom_kit.mock_server.python_api import keywords
from crmcom_kit.schemas import response_fields

ROOT = Path(__file__).parents[3]
RIGHT = """
from pathlib import Path
from crmcom_kit.mock_server import MockWorld, recorded_response

def right(mock: MockWorld) -> None:
    mock.fail("outage", seconds=30, status=503)
    mock.fail(operation=["list", "show"], respond={"status": 200, "body": b"["}, times=1)
    mock.fail(operation="list", respond=recorded_response(Path("traffic.har"), "list"))
    mock.assert_called("resend", record=7, served=True, times={"at_least": 1})
    mock.assert_not_called(operation="delete", fault={"absent": True})
    mock.expect_refusal(operation="resend", error="not_rejected", times=1)
    mock.wait_for(record="7", state="SUCCESSFUL", timeout=10)
    mock.wait_for(lambda: len(mock.records) < 3)
    mock.seed(count=50, rejected=0.5, entities=["JOBS"])
    mock.seed(since="100 days", until="now")
    mock.add(age="1 hour", number="4711")
    mock.change(7, **mock.add(entity="JOBS", webhook_definition={"name": "Jobs"}))
"""
WRONG = (
    'mock.fail(operaton="list", drop=True)',
    'mock.fail(operation="list", respond={"stauts": 200})',
    'mock.assert_called(operaton="resend")',
    'mock.assert_not_called(recrod="7")',
    'mock.wait_for(recrod="7")',
    'mock.expect_refusal(eror="not_rejected")',
    "mock.seed(cuont=3)",
    'mock.add(entty="JOBS")',
    'mock.change("7", entty="JOBS")',
)


def test_mypy_refuses_what_is_misspelled(tmp_path: Path) -> None:
    """And takes what is right."""
    snippet = tmp_path / "snippet.py"
    lines = [*f"{RIGHT}def wrong(mock: MockWorld) -> None:".splitlines()]
    lines += [f"    {line}" for line in WRONG]
    snippet.write_text("\n".join(lines), "utf-8")
    options = ["--strict", "--follow-imports=silent", "--no-error-summary", "--cache-dir", "cache"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, snippet.name],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    refused = [int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line]
    first = len(lines) - len(WRONG) + 1
    assert refused == [*range(first, len(lines) + 1)], done.stdout + done.stderr


def test_the_keywords_are_those_that_the_methods_know() -> None:
    """So that no name is forgotten when one is added."""
    assert {"operation", *keywords.RequestPattern.__annotations__} == {*MEMBERS}
    spec = (FaultSpec, FaultMatch, FaultEffect, FaultPresetArguments)
    of_faults = {name for one in spec for name in one.__annotations__} - {"match", "effect"}
    assert {*keywords.FaultArguments.__annotations__} == of_faults
    effects, text = FaultEffect.__annotations__, str(MockWorld.fail.__doc__)
    assert not [name for name in effects if f"``{name}``" not in text]
    asked = {"operation", *keywords.RefusalArguments.__annotations__}
    assert asked == {*RefusalSpec.__annotations__}
    members = {*keywords.RecordMembers.__annotations__} - {"data"}
    assert members == {*response_fields()}
    knobs = {*Options.__dataclass_fields__} - {"release", "dialect"}
    assert {*keywords.SeedArguments.__annotations__} - {"count"} == knobs
