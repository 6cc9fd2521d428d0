"""Runs of pytest inside a test."""

import pytest
from helpers.inner_runs import Run


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "200")
    return Run(pytester)
