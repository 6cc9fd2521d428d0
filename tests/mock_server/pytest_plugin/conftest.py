"""Runs of pytest inside a test."""

import pytest
from helpers.inner_runs import Run


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run tests in a folder of their own."""
    monkeypatch.setenv("COLUMNS", "200")
    return Run(pytester)
