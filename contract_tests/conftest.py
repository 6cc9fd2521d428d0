"""The ladder of fixtures under the suite: options, target, one run, and what it knows.

A run is made once. Under xdist the first worker that needs it makes it, and the others read its
report: a target is never asked, or changed, once for each worker.
"""

import datetime as dt
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from crmcom_kit.contract_tests.options import OptionsError
from crmcom_kit.contract_tests.plugin import given_options

_PATIENCE = 3600.0  # seconds that a worker waits for another one's run
_CHANGING = ("resend", "delete")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each statement that is in force, and fits --crmcom-only."""
    if "statement_id" in metafunc.fixturenames:
        values = given_options(metafunc.config)
        metafunc.parametrize("statement_id", list(_chosen(values)))


def _chosen(values: dict[str, Any]) -> Any:
    import fnmatch

    from crmcom_kit.contract_tests.probes.registry import probes
    from crmcom_kit.schemas.releases import UnknownRelease
    from crmcom_kit.schemas.statements import statements

    changing = {each for probe in probes() if probe.layer in _CHANGING for each in probe.statements}
    try:
        found = statements(values["release"])
    except UnknownRelease as error:
        raise pytest.UsageError(str(error)) from None
    for statement in found:
        if fnmatch.fnmatchcase(statement.id, values["only"]):
            mark = pytest.mark.changes if statement.id in changing else pytest.mark.readonly
            yield pytest.param(statement.id, id=statement.id, marks=mark)


@pytest.fixture(scope="session")
def target_url(pytestconfig: pytest.Config) -> str | None:
    """The base URL that is checked; None for a mock of the suite's own."""
    return given_options(pytestconfig)["base_url"]  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def report(
    pytestconfig: pytest.Config, request: pytest.FixtureRequest, tmp_path_factory: Any
) -> dict[str, Any]:
    """The JSON report of the one run, as `crmcom-kit check --json` writes it."""
    values = given_options(pytestconfig)
    # With the changing tests deselected (`-m readonly`) nothing may be changed either.
    if not any(item.get_closest_marker("changes") for item in request.session.items):
        values["allow"] = "none"
    if not hasattr(pytestconfig, "workerinput"):
        return _made(values)
    folder = tmp_path_factory.getbasetemp().parent
    path = folder / "crmcom-kit-report.json"
    try:
        os.close(os.open(f"{path}.claimed", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return _awaited(path)
    try:
        made = _made(values)
    except BaseException as error:
        _put(path, {"failed": f"{type(error).__name__}: {error}"})
        raise
    _put(path, made)
    return made


def _made(values: dict[str, Any]) -> dict[str, Any]:
    from crmcom_kit.contract_tests.reports.json_report import document
    from crmcom_kit.contract_tests.running import prepared
    from crmcom_kit.contract_tests.suite import run

    now = dt.datetime.now(dt.UTC)  # noqa: TID251 - the one place that supplies the suite's time
    try:
        target, plan = prepared(values, now=now)
    except (OptionsError, ValueError) as error:
        raise pytest.UsageError(str(error)) from None
    return document(run(target, plan))


def _put(path: Path, content: dict[str, Any]) -> None:
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(content), "utf-8")
    unfinished.replace(path)


def _awaited(path: Path) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE
    while not path.exists():
        if time.monotonic() > deadline:
            pytest.fail("the worker that checks the target has not ended")
        time.sleep(0.05)
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if "failed" in found:
        pytest.fail(found["failed"])
    return found


@pytest.fixture(scope="session")
def target(report: dict[str, Any]) -> dict[str, Any]:
    """What was checked: its name, base URL and release."""
    return report["target"]  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def verdicts(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the run says of each statement, by id."""
    return {each["id"]: each for each in report["statements"]}
