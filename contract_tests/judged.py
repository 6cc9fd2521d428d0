"""Judge requests of a user's own tests: what a run reports at its end is an exception here.

``Target`` is what the pytest fixture of that name is; ``machine`` uses the functions.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Record
from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.discovery import discover
from crmcom_kit.contract_tests.campaign.planning import Plan
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.campaign.shortening import shorten, with_changes
from crmcom_kit.contract_tests.client.calls import with_token
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.deviations import Deviation
from crmcom_kit.contract_tests.findings import Broken, Findings, Violation, broken
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.report import visible
from crmcom_kit.contract_tests.templates import Scene

#: So many bytes of a body are shown of a request.
MAX_BODY = 1_000


class Judgement(Findings):
    """What is found out in a test: the violations that no deviation explains are kept in order."""

    def __init__(self, deviations: Iterable[Deviation] = ()) -> None:
        """Start with nothing found."""
        super().__init__()
        self.violations: list[Violation] = []
        self._deviations = tuple(deviations)

    def broke(self, violation: Violation) -> None:
        """Note a violation."""
        super().broke(violation)
        if not any(
            listed.statement == violation.statement
            and listed.explains(violation.method, violation.seen)
            for listed in self._deviations
        ):
            self.violations.append(violation)


#: The plan of a campaign that looks no more than it must around a change.
FEW_LOOKS = Plan({}, few_looks=True)


def settle(campaign: Campaign, *, confirms: bool) -> None:
    """Settle what is suspected.

    Without ``confirms`` the first hypothesis of each suspicion is true: nobody else is at work.
    """
    session = campaign.session
    if confirms:
        campaign.settle()
        return
    for suspicion in session.queue:
        session.findings.broke(suspicion.violation(suspicion.hypotheses[0]))
    session.queue.clear()


def raise_what_is_wrong_in_the_kit(session: Session) -> None:
    """Raise RuntimeError if a check has failed itself: then nothing is said of the server."""
    if session.findings.crashes:
        msg = f"an internal error of crmcom-kit: {'; '.join(session.findings.crashes)}"
        raise RuntimeError(msg)


def exception(
    violation: Violation, calls: Sequence[Call], session: Session, note: str = ""
) -> Broken:
    """Return the exception that says what is broken, with the requests that show it, one a line.

    No secret is in it, not even one of an application in this process: its log may be public.
    """
    redactor = ReportRedactor(replace(session.target, reset=None), session.client.history)
    lines = [
        f"{violation.statement} is broken by {violation.method}",
        f"  expected: {redactor.text(violation.expected)}",
        f"  seen: {redactor.text(violation.seen)}",
        f"  requests{f' ({note})' if note else ''}:",
        *(f"    {line}" for line in request_lines(calls, redactor)),
    ]
    return broken(violation.statement)("\n".join(visible(line) for line in lines))


def request_lines(calls: Iterable[Call], redactor: ReportRedactor) -> Iterator[str]:
    """Yield a line for each request: verb, path with query, and body."""
    for call in calls:
        query = f"?{redactor.query(call.query)}" if call.query else ""
        body = f" {redactor.content(call.body, MAX_BODY)}" if call.body is not None else ""
        yield f"{call.verb} {redactor.text(call.path)}{query}{body}".replace("\n", "\\n")


class Unconfirmed(UserWarning):
    """Something was suspected, and could not be confirmed: maybe somebody else was at work."""


class Target:
    """The server that tests of a user's own send requests to, logged in.

    Limits, scope, ledger and the guard of logins hold for every request. What the kit's oracle
    suspects in a test fails it: ``check`` at once, and all others at the end of the test.
    """

    def __init__(self, session: Session, deviations: Iterable[Deviation] = ()) -> None:
        """Send through ``session``, which has logged in; ``deviations`` fail no test."""
        self.session = session  # for the kit itself
        self._deviations = tuple(deviations)
        self._tokens: set[str] = set()  # of all logins of this session
        self._broken: dict[tuple[str, str, bytes | None], tuple[bytes, Violation]] = {}
        self._has_looked = False  # for webhook requests
        self._first = 0  # exchanges before the present content of the server
        self.begin_test()

    def __repr__(self) -> str:
        """Name the server."""
        return f"<target: {self.session.target.name}>"

    # For tests.

    @property
    def url(self) -> str:
        """The base URL of the API; one that leads nowhere for a mock that the suite starts."""
        return self.session.target.base_url

    @property
    def release(self) -> str:
        """The release that the server is held to, such as ``R9.0.0``."""
        return self.session.target.release.name

    @property
    def is_own(self) -> bool:
        """Whether it is a mock that the suite has started, which ``fresh`` resets."""
        return self.session.target.own

    @property
    def scene(self) -> Scene:
        """A copy of what is known now, from which strategies draw; it stays as it is."""
        self._look()
        return self.session.scene.frozen()

    def call(self, method: str, parameters: Mapping[str, Any], *, judged: bool = True) -> Exchange:
        """Call a method of the API with the login's token, and return the exchange.

        Args:
            method: such as ``show``.
            parameters: by name, identifiers as mappings; the token is added.
            judged: whether what is suspected in the response fails the test at its end.

        Raises:
            Unreachable: the request may not be sent, or got no response.
            TargetDown, BudgetSpent: no more requests can be sent.
        """
        queue = self.session.queue
        before = len(queue)
        exchange = self.session.call(method, parameters)
        if not judged:
            del queue[before:]
        return exchange

    def check(self, call: Call) -> Exchange:
        """Send a request that a strategy has drawn, and raise what is broken.

        A token of an earlier login of this fixture is replaced by the present one. On a server
        that the suite has not started itself, what is suspected is confirmed first.

        Raises:
            Broken: a statement is broken; each has a subclass.
            Unreachable, TargetDown, BudgetSpent: see ``call``.
        """
        __tracebackhide__ = True
        self._look()
        session, token = self.session, self.session.scene.token
        used = call.parameters.get("token")
        if used in self._tokens and token is not None and used != token:
            call = with_token(call, token)
        earlier, session.queue = session.queue, []
        try:
            sent = session.persist(call)
            session.queue += sent.suspicions
            violations = self._settled()
        finally:
            session.queue = earlier
        # A response that was broken is broken when it comes again, though the oracle, which takes
        # what it sees for what is so, expects it by now: Hypothesis sends an example twice.
        request = call.path, call.query, call.body
        if violations:
            self._broken[request] = sent.exchange.content, violations[0]
        content, violation = self._broken.get(request, (None, None))
        if violation is not None and content == sent.exchange.content:
            log = with_changes(violation, session.belief.changes)
            raise exception(violation, [exchange.call for exchange in log], session)
        return sent.exchange

    def records(self) -> list[dict[str, Any]]:
        """Return the webhook requests that a test may use, whole, as list returned them.

        Where the options allow changes they are those in scope, else all that are found. They are
        looked for once; what was named to resend or delete since is left out.
        """
        self._look()
        session = self.session
        used: Mapping[str, Record] = {} if self.is_own else session.guard.touched
        wholes = {known.id: record for known, record in session.belief.wholes()}
        records = [wholes[key] for key in session.belief.records if key not in used]
        if session.scene.allowed:
            records = [*filter(session.scene.may_change, records)]
        return deepcopy(records)

    def fresh(self) -> None:
        """Start anew: give a mock of the suite's own its first content again.

        Of any other server it only forgets what it knows, and looks again when it must.
        """
        session = self.session
        if self.is_own:
            self._first = len(session.client.history)
            session.start_anew()
        else:
            session.forget()
        self._has_looked = False
        self._broken.clear()
        self._note_token()

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the session that the fixture was before 0.4.0, with a warning."""
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self.session, name)
        msg = f"target.{name} is internal, and goes with 0.5.0: a target has call, check, records, "
        msg += "fresh, scene, url and release"
        warnings.warn(msg, DeprecationWarning, stacklevel=2)
        return value

    # For the fixtures.

    def begin_test(self) -> None:
        """Forget what is suspected so far: it is of another test, or of the login."""
        self.session.queue.clear()
        self._note_token()

    def end_test(self) -> Broken | None:
        """Return what the requests of a test have shown to be broken, if anything.

        What is suspected and cannot be confirmed is a warning, ``Unconfirmed``.
        """
        session = self.session
        suspected = [*session.queue]
        violations = self._settled()
        if violations:
            violation = violations[0]
            log = shorten(violation, session.client.history[self._first :], session)
            return exception(violation, [exchange.call for exchange in log], session)
        if suspected and not session.findings.breaks:
            first = suspected[0]
            msg = f"{first.kind[0]}: expected {first.expected}; seen {first.seen}; "
            msg += "not confirmed: maybe somebody else was at work"
            redactor = ReportRedactor(session.target, session.client.history)
            warnings.warn(visible(redactor.text(msg)), Unconfirmed, stacklevel=2)
        return None

    def _settled(self) -> list[Violation]:
        """Settle what is suspected, and return the violations that are not listed."""
        session = self.session
        session.findings = judgement = Judgement(self._deviations)
        settle(Campaign(session, FEW_LOOKS), confirms=not self.is_own)
        self._note_token()
        raise_what_is_wrong_in_the_kit(session)
        return judgement.violations

    def _look(self) -> None:
        """Look for webhook requests, once."""
        if not self._has_looked:
            self._has_looked = True
            discover(self.session)
            self._note_token()

    def _note_token(self) -> None:
        if self.session.scene.token is not None:
            self._tokens.add(self.session.scene.token)
