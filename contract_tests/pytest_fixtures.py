"""The pytest fixtures of the suite, for contract tests of your own as well.

Tests send requests with ``target_url`` → ``target`` → ``records`` or ``scene``. ``report`` has the
results of the suite's one run. Name this module in ``pytest_plugins`` of a conftest to have these
fixtures in tests of your own.
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from crmcom_kit.config_file import Refused
from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.discovery import discover
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.campaign.settling import FEW_LOOKS, FindingsOfTest, settle
from crmcom_kit.contract_tests.campaign.shortening import shorten, with_changes
from crmcom_kit.contract_tests.client.calls import with_token
from crmcom_kit.contract_tests.client.errors import TargetDown, Unreachable
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.logins import LoginCount
from crmcom_kit.contract_tests.client.targets import Target as Server
from crmcom_kit.contract_tests.options.options import PYTEST_OPTIONS, REPORTS, OptionsError
from crmcom_kit.contract_tests.oracle.findings import Broken, Violation
from crmcom_kit.contract_tests.plugin import as_in_pytest, folder_of_workers, given_options
from crmcom_kit.contract_tests.reports.exceptions import exception
from crmcom_kit.contract_tests.reports.files import check_files, write, writers
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.report import Report, visible
from crmcom_kit.contract_tests.run.config import RunConfig, prepared
from crmcom_kit.contract_tests.run.run import enter, new_session, run
from crmcom_kit.contract_tests.templates import Scene
from crmcom_kit.machine_time import utc_now

__all__ = ["Target", "Unconfirmed"]


class Unconfirmed(UserWarning):
    """A suspicion that could not be confirmed: maybe somebody else was at work."""


class Target:
    """The server that tests of a user's own send requests to, logged in.

    Limits, scope, ledger and the guard of logins apply to every request. What the kit's oracle
    suspects fails the test: ``check`` at once, and any other request at the end of the test.
    """

    def __init__(self, session: Session, findings: FindingsOfTest) -> None:
        """Send through ``session``, which has logged in, and whose findings fail tests."""
        self.session = session  # for the kit itself
        self._findings = findings
        self._tokens: set[str] = set()  # of all logins of this session
        self._violations: dict[tuple[str, str, bytes | None], tuple[bytes, Violation]] = {}
        self._has_looked = False  # whether webhook requests were discovered
        self._reset_at = 0  # number of exchanges before the server was reset
        self.begin_test()

    def __repr__(self) -> str:
        """Name the server."""
        return f"<target: {self.session.target.name}>"

    # For tests.

    @property
    def url(self) -> str:
        """The base URL of the API; that of a mock which the suite starts leads nowhere."""
        return self.session.target.base_url

    @property
    def release(self) -> str:
        """The release that the server should conform to, such as ``R9.0.0``."""
        return self.session.target.release.name

    @property
    def is_own(self) -> bool:
        """Whether it is a mock that the suite has started, and ``fresh`` resets."""
        return self.session.target.is_own

    @property
    def scene(self) -> Scene:
        """A copy of what is known now, for strategies to draw from; it does not change."""
        self._look()
        return self.session.scene.frozen()

    def call(self, method: str, parameters: Mapping[str, Any], *, checked: bool = True) -> Exchange:
        """Call a method of the API with the login's token, and return the exchange.

        Args:
            method: such as ``show``.
            parameters: by name, identifiers as mappings; the token is added.
            checked: whether a suspicion fails the test at its end.

        Raises:
            Unreachable: the request may not be sent, or got no response.
            TargetDown, BudgetSpent: no more requests can be sent.
        """
        queue = self.session.queue
        suspicions_before = len(queue)
        exchange = self.session.call(method, parameters)
        if not checked:
            del queue[suspicions_before:]
        return exchange

    def check(self, call: Call) -> Exchange:
        """Send a request that a strategy has drawn, and raise what is broken.

        A token of an earlier login of this fixture is replaced by the current one. On a server that
        the suite has not started itself, a suspicion is confirmed first.

        Raises:
            Broken: a statement is broken; each has a subclass.
            Unreachable, TargetDown, BudgetSpent: see ``call``.
        """
        __tracebackhide__ = True
        self._look()
        session, token = self.session, self.session.scene.token
        call_token = call.parameters.get("token")
        if call_token in self._tokens and token is not None and call_token != token:
            call = with_token(call, token)
        old_suspicions = [*session.queue]
        session.queue.clear()
        try:
            observation = session.send_patiently(call)
            session.queue += observation.suspicions
            violations = self._settled()
        finally:
            session.queue[:] = old_suspicions
        # Hypothesis sends an example twice. By then the oracle expects the response that it saw, so
        # the same response to the same request is raised again.
        request = call.path, call.query, call.body
        if violations:
            self._violations[request] = observation.exchange.content, violations[0]
        content, violation = self._violations.get(request, (None, None))
        if violation is not None and content == observation.exchange.content:
            log = with_changes(violation, session.belief.changes.sent)
            raise exception(violation, [exchange.call for exchange in log], session)
        return observation.exchange

    def records(self) -> list[dict[str, Any]]:
        """Return the webhook requests that a test may use, whole, as list returned them.

        If the options allow changes, they are those in scope, else all that were discovered. They
        are discovered once; those that resend or delete has named since are left out.
        """
        self._look()
        session = self.session
        subjects: Mapping[str, Record] = {} if self.is_own else session.guard.touched_records
        wholes = {record.id: fields for record, fields in session.belief.records.wholes()}
        records = [wholes[key] for key in session.belief.records.condensed if key not in subjects]
        if session.scene.allowed:
            records = [record for record in records if record in session.scene.scope]
        return deepcopy(records)

    def fresh(self) -> None:
        """Reset a mock of the suite's own.

        Of any other server, only forget what is known; webhook requests are discovered again.
        """
        session, reset = self.session, self.session.target.reset
        session.forget()
        if reset is not None:
            reset()
            self._reset_at = len(session.client.history)
            session.tokens.renew()
        self._has_looked = False
        self._violations.clear()
        self._note_token()

    # For the fixtures.

    def begin_test(self) -> None:
        """Forget suspicions of other tests, and of the login."""
        self.session.queue.clear()
        self._note_token()

    def end_test(self) -> Broken | None:
        """Return what the requests of a test have shown to be broken, or None.

        A suspicion that cannot be confirmed is a warning, ``Unconfirmed``.
        """
        session = self.session
        suspicions = [*session.queue]
        violations = self._settled()
        if violations:
            violation = violations[0]
            log = shorten(violation, session.client.history[self._reset_at :], session)
            return exception(violation, [exchange.call for exchange in log], session)
        if suspicions and not self._findings.violation_count:
            suspicion = suspicions[0]
            msg = f"{suspicion.kind[0]}: expected {suspicion.expected}; seen {suspicion.seen}; "
            msg += "not confirmed: maybe somebody else was at work"
            redactor = ReportRedactor(session.target, session.client.history)
            warnings.warn(visible(redactor.text(msg)), Unconfirmed, stacklevel=2)
        return None

    def _settled(self) -> list[Violation]:
        """Settle suspicions, and return the violations that no deviation explains."""
        session = self.session
        self._findings.clear()
        settle(Campaign(session, FEW_LOOKS), confirms=not self.is_own)
        self._note_token()
        return [*self._findings.violations]

    def _look(self) -> None:
        """Discover webhook requests, once."""
        if not self._has_looked:
            self._has_looked = True
            discover(self.session)
            self._note_token()

    def _note_token(self) -> None:
        if self.session.scene.token is not None:
            self._tokens.add(self.session.scene.token)


@pytest.fixture(scope="session")
def target_url(pytestconfig: pytest.Config) -> str | None:
    """The base URL of the server; None for a mock of the suite's own."""
    return given_options(pytestconfig)["base_url"]  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def target(
    request: pytest.FixtureRequest, target_url: str | None, _crmcom_logins: LoginCount
) -> Iterator[Target]:
    """The server, logged in to: ``target.call("show", …)`` calls it and returns the exchange.

    The options apply to every call: limits, scope, ledger. A response that breaks a statement fails
    the test at its end, whatever the test itself asserts.
    """
    values = {**given_options(request.config), "base_url": target_url}
    server, config = _prepared(values, _crmcom_logins)
    findings = FindingsOfTest(config.deviations)
    session = new_session(server, config, findings, may_find_more=True)
    _enter(session, config)
    request.config.stash[_TARGET] = target = Target(session, findings)
    yield target
    del request.config.stash[_TARGET]
    session.client.close()


_TARGET = pytest.StashKey[Target]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test at its end if its requests have shown that something is broken."""
    target = item.config.stash.get(_TARGET, None)
    if target is not None:
        target.begin_test()
    yield
    target = item.config.stash.get(_TARGET, None)
    failure = None if target is None else target.end_test()
    if failure is not None:
        pytest.fail(str(failure), pytrace=False)


@pytest.fixture(scope="session")
def scene(target: Target) -> Scene:
    """What was known of the server at first, for the strategies of the kit to draw from.

    It does not change in a session, so that tests with Hypothesis' ``@given`` may use it.
    """
    return target.scene


@pytest.fixture(scope="session", name="_crmcom_logins")
def _logins(request: pytest.FixtureRequest) -> LoginCount:
    """The count of logins to the target, by ``target`` and by the run of ``report``.

    Workers of xdist share it in a file, with the token, so that they don't all log in.
    """
    folder = folder_of_workers(request.config)
    return LoginCount(path=None if folder is None else folder / "logins.json")


@pytest.fixture
def records(target: Target) -> list[dict[str, Any]]:
    """The webhook requests that a test may use, whole, as list returned them.

    If the options allow changes, they are those in scope, else all that were discovered. A mock of
    the suite's own is reset for each test. On any other server they are discovered once a session,
    without those that a test before has named to resend or delete.
    """
    if target.is_own:
        target.fresh()
    return target.records()


@pytest.fixture(scope="session")
def report(
    request: pytest.FixtureRequest,
    target_url: str | None,
    _crmcom_logins: LoginCount,
) -> Iterator[dict[str, Any]]:
    """The JSON report of the one run, as `crmcom-kit check --json` writes it.

    The run also writes the files that --crmcom-json, --crmcom-html and --crmcom-har name. Under
    xdist, the first worker that needs the report makes it, and all others read it: there is one run
    for all workers.
    """
    values = {**given_options(request.config), "base_url": target_url}
    session, failures = request.session, list[str]()
    folder = folder_of_workers(request.config)
    if folder is None:
        document = _report_of_run(values, session, _crmcom_logins, failures)
    else:
        path = folder / "report.json"
        with FileLock(path.with_suffix(".lock")):  # other workers wait here
            if not path.exists():
                document = _report_of_run(values, session, _crmcom_logins, failures)
                path.write_text(json.dumps(document), "utf-8")
            document = json.loads(path.read_text("utf-8"))
    yield document
    if failures:  # at the end, since the tests have their results
        pytest.fail(as_in_pytest("\n".join(failures)), pytrace=False)


def _enter(session: Session, config: RunConfig) -> None:
    """Log in. The response to a login that fails may repeat the password, and is redacted."""
    try:
        enter(session, config)
    except (TargetDown, Unreachable) as error:
        message = f"{type(error).__name__}: {error}"
    else:
        return
    # Out here, since pytest would also show the exception that is handled.
    session.client.close()
    pytest.fail(ReportRedactor(session.target, session.client.history).text(message), pytrace=False)


def _prepared(values: dict[str, Any], logins: LoginCount) -> tuple[Server, RunConfig]:
    try:
        server, config = prepared(values, now=utc_now())
    except ValueError as error:
        raise pytest.UsageError(as_in_pytest(str(error))) from None
    return server, replace(config, login_count=logins)


def _report_of_run(
    values: dict[str, Any], session: pytest.Session, logins: LoginCount, failures: list[str]
) -> dict[str, Any]:
    """Run, write the files of reports, and return the JSON report.

    ``failures`` gets a line for each file that cannot be written.
    """
    files = {
        option.name: Path(values[option.key])
        for option in PYTEST_OPTIONS
        if option.heading == REPORTS and values[option.key] is not None
    }
    try:
        check_files(files, values["ledger"], values["from_har"])
        report = Report(run(*_prepared(values, logins)))
    except (pytest.UsageError, OptionsError, Refused) as error:
        session.shouldstop = "an option is wrong"  # else each test would have the same error
        raise pytest.UsageError(as_in_pytest(str(error))) from None
    failures += write(writers(report), files)
    return report.document
