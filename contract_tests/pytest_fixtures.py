"""The pytest fixtures of the suite, for contract tests of your own as well.

``target_url`` → ``target`` → ``records`` or ``scene`` is what a test asks by itself; ``report`` is
what the suite's one run has found out. Name this module in ``pytest_plugins`` of a conftest to have
them in tests of your own.
"""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from crmcom_kit.config_file import Refused
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.cli import check_files, write, writers
from crmcom_kit.contract_tests.client.http import TargetDown
from crmcom_kit.contract_tests.client.logins import LoginCount
from crmcom_kit.contract_tests.config import RunConfig, prepared
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.judged import Target, Unconfirmed
from crmcom_kit.contract_tests.options import PYTEST_OPTIONS, REPORTS, OptionsError
from crmcom_kit.contract_tests.plugin import as_in_pytest, given_options
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.contract_tests.run import enter, new_session, run
from crmcom_kit.contract_tests.targets import Target as Server
from crmcom_kit.contract_tests.templates import Scene

__all__ = ["Target", "Unconfirmed"]


@pytest.fixture(scope="session")
def target_url(pytestconfig: pytest.Config) -> str | None:
    """The base URL that is checked; None for a mock of the suite's own."""
    return given_options(pytestconfig)["base_url"]  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def target(
    request: pytest.FixtureRequest, target_url: str | None, _crmcom_logins: LoginCount
) -> Iterator[Target]:
    """The server, logged in to: ``target.call("show", …)`` calls it and returns the exchange.

    What the options say holds for every call: limits, what may be changed, and the ledger. What is
    wrong with a response fails the test at its end, whatever the test itself asserts.
    """
    made, config = _prepared(
        {**given_options(request.config), "base_url": target_url}, _crmcom_logins
    )
    session = new_session(made, config, may_find_more=True)
    _enter(session, config)
    request.config.stash[_TARGET] = made_target = Target(session, config.deviations)
    yield made_target
    del request.config.stash[_TARGET]
    session.client.close()
    with _crmcom_logins.held():  # no file keeps it
        _crmcom_logins.token = ""


_TARGET = pytest.StashKey[Target]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test at its end if its requests have shown that something is broken."""
    target = item.config.stash.get(_TARGET, None)
    if target is not None:
        target.begin_test()
    yield
    target = item.config.stash.get(_TARGET, None)
    wrong = None if target is None else target.end_test()
    if wrong is not None:
        pytest.fail(str(wrong), pytrace=False)


@pytest.fixture(scope="session")
def scene(target: Target) -> Scene:
    """What was known of the server at first, from which the strategies of the kit draw.

    It stays as it is for the whole session, so that tests with Hypothesis' ``@given`` may use it.
    """
    return target.scene


@pytest.fixture(scope="session", name="_crmcom_logins")
def _logins(request: pytest.FixtureRequest, tmp_path_factory: Any) -> LoginCount:
    """How often was logged in to the target, by ``target`` and by the run of ``report`` together.

    Workers of xdist share it in a file, with the token, so that each doesn't log in by itself.
    """
    is_shared = hasattr(request.config, "workerinput")
    folder = tmp_path_factory.getbasetemp().parent
    return LoginCount(path=folder / "crmcom-kit-logins.json" if is_shared else None)


@pytest.fixture
def records(target: Target) -> list[dict[str, Any]]:
    """The webhook requests that a test may use, whole, as list returned them.

    Where the options allow changes they are those in scope, else all that are found. On a mock of
    the suite's own each test has a fresh one; elsewhere they are looked for once a session, and
    the next test does without what one has named to resend or delete.
    """
    if target.is_own:
        target.fresh()
    return target.records()


@pytest.fixture(scope="session")
def report(
    request: pytest.FixtureRequest,
    target_url: str | None,
    tmp_path_factory: Any,
    _crmcom_logins: LoginCount,
) -> Iterator[dict[str, Any]]:
    """The JSON report of the one run, as `crmcom-kit check --json` writes it.

    The run also writes the files that --crmcom-json, --crmcom-html and --crmcom-har name. Under
    xdist the first worker that needs the report makes it, and the others read it: a target is not
    asked, or changed, once for each worker.
    """
    values = {**given_options(request.config), "base_url": target_url}
    session, failures = request.session, list[str]()
    if not hasattr(request.config, "workerinput"):
        document = _made(values, session, _crmcom_logins, failures)
    else:
        path = tmp_path_factory.getbasetemp().parent / "crmcom-kit-report.json"
        with FileLock(path.with_suffix(".lock")):  # the others wait here
            if not path.exists():
                made = _made(values, session, _crmcom_logins, failures)
                path.write_text(json.dumps(made), "utf-8")
            document = json.loads(path.read_text("utf-8"))
    yield document
    if failures:  # at the end: the tests have their results nevertheless
        pytest.fail(as_in_pytest("\n".join(failures)), pytrace=False)


def _enter(session: Session, config: RunConfig) -> None:
    """Log in; what a server says to a login that fails may repeat the password."""
    try:
        enter(session, config)
    except (TargetDown, Unreachable) as error:
        message = f"{type(error).__name__}: {error}"
    else:
        return
    # Out here, since pytest shows what was being handled, too.
    session.client.close()
    pytest.fail(ReportRedactor(session.target, session.client.history).text(message), pytrace=False)


def _prepared(values: dict[str, Any], logins: LoginCount) -> tuple[Server, RunConfig]:
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 - the one place that supplies the suite's time
    try:
        made, config = prepared(values, now=now)
    except ValueError as error:
        raise pytest.UsageError(as_in_pytest(str(error))) from None
    return made, replace(config, login_count=logins)


def _made(
    values: dict[str, Any], session: pytest.Session, logins: LoginCount, failures: list[str]
) -> dict[str, Any]:
    """Run, write the files of reports, and return the JSON report.

    ``failures`` gets a line on each file that cannot be written.
    """
    named = [option for option in PYTEST_OPTIONS if option.heading == REPORTS]
    files = {each.name: Path(values[each.key]) for each in named if values[each.key] is not None}
    try:
        check_files(files, values["ledger"], values["from_har"])
        report = Report(run(*_prepared(values, logins)))
    except (pytest.UsageError, OptionsError, Refused) as error:
        session.shouldstop = "an option is wrong"  # else each test would have the same error
        raise pytest.UsageError(as_in_pytest(str(error))) from None
    failures += write(writers(report), files)
    return report.document
