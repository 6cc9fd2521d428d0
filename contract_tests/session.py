"""One run's session with a server: sends requests, has every exchange checked, and makes sure.

Every exchange goes through all checks, whether a probe or the stateful layer sent the request.
What rests on knowledge that may be old is looked at again before it counts: see ``follow_up``.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from crmcom_kit.contract_tests.checks.checker import Checker, CheckFailed, Verdict
from crmcom_kit.contract_tests.checks.knowledge import differ
from crmcom_kit.contract_tests.checks.world import Credentials, Record, World
from crmcom_kit.contract_tests.client import exchanges
from crmcom_kit.contract_tests.client.calls import build, changing_method
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.http import AnswerLost, AnswerTooLong, BudgetSpent, Client
from crmcom_kit.contract_tests.client.made_up import nowhere
from crmcom_kit.contract_tests.findings import (
    Findings,
    Unreachable,
    Violation,
    outcome,
    shortened,
)
from crmcom_kit.contract_tests.follow_up import FollowUp
from crmcom_kit.contract_tests.pool import Pool
from crmcom_kit.contract_tests.stopping import Stop
from crmcom_kit.contract_tests.targets import Target
from crmcom_kit.schemas.methods import Method, methods
from crmcom_kit.schemas.releases import Release

if TYPE_CHECKING:
    from crmcom_kit.contract_tests.login import LoginRefresher

#: A response that breaks one of these tells nothing else.
_UNREADABLE = frozenset(
    f"envelope.{name}" for name in ("json", "status", "code_ok", "data_object", "data_array")
) | {"errors.json", "errors.code_not_ok"}
_UNREADABLE |= {f"{name}.single_result" for name in ("show", "resend", "delete")}


class ChangeGuard(Protocol):
    """Looks at each request that may change something before it is sent."""

    touched: dict[str, Record]  # by id: all that a changing request has named

    def __call__(self, call: Call) -> None:
        """Let ``call`` pass. Raises Withheld if it might leave the scope."""
        ...

    def answered(self, exchange: Exchange) -> None:
        """Take note of the response to a request that passed."""
        ...


class Enough(Exception):
    """A probe has made as many requests as are its share."""


@dataclass(frozen=True, slots=True)
class Resend:
    """A request of resend, with the webhook request as it was shown before and right afterwards."""

    form: str  # the field that names the webhook request
    more: Mapping[str, str]  # further parameters
    before: Record
    exchange: Exchange
    after: Record | None  # None: it was not shown

    @property
    def title(self) -> str:
        """How it was written, in words."""
        return f"{self.form} with {', '.join(self.more)}" if self.more else self.form

    @property
    def is_traced(self) -> bool:
        """Whether it was seen at once that something has changed."""
        return self.after is not None and differ(self.before, self.after)


@dataclass(slots=True)
class Observed:
    """What probes have found out about the server, for later probes."""

    unusable: dict[str, str] = field(default_factory=dict)  # method -> the statement that says why
    withdrawn: bool | None = None  # whether a deprecated release answers nothing any more
    units: list[str] = field(default_factory=list)  # ids of those that the login may act for
    resends: list[Resend] = field(default_factory=list)  # in their order


class Session:
    """What probes and generated requests work with."""

    def __init__(
        self, client: Client, *, allowed: frozenset[str] = frozenset(), seed: int = 0
    ) -> None:
        """Work on ``client``'s target.

        Args:
            client: sends the requests.
            allowed: which of resend and delete may be called.
            seed: what made-up identifiers are drawn from.
        """
        target = client.target
        self.client = client
        self.allowed = allowed
        self.nowhere: Mapping[str, str] = nowhere(seed)  # by field, what names nothing
        self.findings = Findings()
        login = target.login
        known = Credentials(login.username, login.password, login.organisation, login.api_key)
        self.world = World(target.release, exclusive=target.exclusive, credentials=known)
        self.checker = Checker(self.world)
        self.checker.service.is_waived = target.refuses_with_5xx
        self.pool = Pool(self.world)
        self.observed = Observed()
        self.changed: set[str] = set()  # ids of all that served requests have changed
        self.token: str | None = login.token
        self.layer = ""
        self.refresher: LoginRefresher | None = None
        self.small_budget = False  # whether there are fewer requests than all probes take
        self.shares_looks = False  # whether a GET that was answered already is not sent again
        self.guard: ChangeGuard | None = None  # asked before a request that may change
        self.stop = Stop()  # asked before each request
        self.secret_keys: Mapping[str, str] = {}  # of webhook definitions, by id
        self.follow_up = FollowUp(self)
        self._looks: dict[tuple[str, str], Exchange] = {}  # by path and query
        self._ends_at: int | None = None  # so many requests the present probe may get to
        self.unreadable: set[int] = set()  # exchanges whose envelope is broken already
        self.cut = 0  # lists of which only a part was read
        self._methods = methods(target.release)

    def start(self) -> None:
        """Forget all webhook requests: the target has others from now on."""
        self.client.renewed.add(len(self.client.history) + 1)
        self.checker.start()
        self.pool.start()
        self.follow_up.start()
        self.observed = Observed()
        self._looks.clear()

    @property
    def target(self) -> Target:
        """What is checked."""
        return self.client.target

    @property
    def release(self) -> Release:
        """The release that the target is held to."""
        return self.client.target.release

    @property
    def records(self) -> dict[str, Record]:
        """The known webhook requests, by id."""
        return self.pool.records

    @property
    def deleted(self) -> dict[str, Record]:
        """The deleted ones, by id."""
        return self.pool.deleted

    @property
    def shared(self) -> set[str]:
        """Numbers that several webhook requests have shown."""
        return self.world.shared

    @property
    def may_change(self) -> Callable[[Record], bool]:
        """Whether a webhook request is in scope."""
        return self.pool.may_change

    def method(self, name: str) -> Method:
        """Return a method of the release. Raises Unreachable if the release does not have it."""
        if name not in self._methods:
            msg = f"{self.release.name} has no {name}"
            raise Unreachable(msg)
        return self._methods[name]

    def call(
        self, name: str, parameters: Mapping[str, Any] | None = None, *, raw: bool = False
    ) -> Exchange:
        """Call a method with the run's token in front of ``parameters``.

        Raises: see ``send``.
        """
        method = self.method(name)
        given = dict(parameters or {})
        if "token" not in method.parameters or "token" in given:
            return self.send(build(method, given, raw=raw))
        if self.refresher is not None:
            self.refresher.renew_ahead()
        token = self.token
        call = build(method, {"token": token, **given}, raw=raw)
        if self.shares_looks and (call.path, call.query) in self._looks:
            return self._looks[call.path, call.query]
        exchange = self.send(call)
        if not exchange.ok and self.refresher is not None and self.token == token:
            self.refresher.renewed_after(exchange)
        if exchange.ok or self.token == token:
            return exchange
        if method.verb != "GET":  # never sent twice, whatever the first response says
            msg = f"the token expired before {name}; repeat the run with a new token"
            raise Unreachable(msg)
        return self.send(build(method, {"token": self.token, **given}, raw=raw))

    def send(self, call: Call) -> Exchange:
        """Send a request as it stands, have the exchange checked, and make sure of what is found.

        Raises:
            BudgetSpent, TargetDown: see ``Client.send``.
            Enough: see ``within``.
            Unreachable: the request may change something, and that is not allowed; or its response
                is lost, or too long.
            Withheld: it may change something, and might leave the scope.
            KeyboardInterrupt: the run was told to stop.
        """
        self.stop.check()
        is_over = self._ends_at is not None and self.client.sent >= self._ends_at
        if is_over and not self.follow_up.is_following:
            raise Enough
        changes = changing_method(call)
        if changes is not None and changes not in self.allowed:
            msg = f"{changes} is not allowed; allow it with --allow {changes}"
            raise Unreachable(msg)
        if changes is not None and self.guard is not None:
            self.guard(call)
        if changes is not None:
            self.follow_up.before(call)
        try:
            exchange = self.client.send(call, once=changes is not None)
        except (AnswerLost, AnswerTooLong):
            if changes is not None:
                self.checker.lose(call)
            raise
        self.cut += exchange.is_cut
        if changes is not None and self.guard is not None:
            self.guard.answered(exchange)
        self._keep(exchange, changes)
        expected, verdicts = self.checker.check(exchange)
        self.note(exchange, verdicts)
        if changes is not None and exchange.ok and self.world.changes:
            self.changed |= self.world.changes[-1].named
        self.follow_up.after(expected)
        return exchange

    @contextmanager
    def within(self, requests: int | None) -> Iterator[None]:
        """End what is done inside after so many requests; None: let it come to its end."""
        self._ends_at = None if requests is None else self.client.sent + requests
        try:
            with suppress(Enough):
                yield
        finally:
            self._ends_at = None

    def note(self, exchange: Exchange, verdicts: list[Verdict]) -> None:
        """Note what the checks say of an exchange."""
        kept: list[str] = []
        for verdict in verdicts:
            match verdict:
                case str():
                    kept.append(verdict)
                case Violation():
                    verdict.layer = verdict.layer or self.layer or "check"
                    self.findings.broke(verdict)
                    if verdict.statement in _UNREADABLE:
                        self.unreadable.add(exchange.number)
                case CheckFailed(name, error):
                    self.findings.crash(f"the check {name}", error)
        self.findings.hold_all(kept, exchange)

    def limit_notes(self) -> Iterator[str]:
        """Yield what was not read, or asked for again, a sentence each."""
        if self.cut:
            yield f"{self.cut} lists were read up to webhook request {exchanges.MAX_RECORDS} only"
        for status, count in sorted(self.client.hiccups.items()):
            times = "once" if count == 1 else f"{count} times"
            yield f"a gateway returned HTTP {status} {times} instead of a response of the server"

    def _keep(self, exchange: Exchange, changes: str | None) -> None:
        """Keep the response to a GET, until a request is made that may change something."""
        call = exchange.call
        if changes is not None:
            self._looks.clear()
        elif self.small_budget and call.verb == "GET" and call.body is None and not call.headers:
            self._looks[call.path, call.query] = exchange

    # What a probe says of a statement that no check can see by itself.

    def expect(
        self,
        statement: str,
        *exchanges: Exchange,
        kept: bool,
        expected: str,
        seen: object,
        record: str | None = None,
    ) -> bool:
        """Note that ``statement`` was kept, or broken; return ``kept``.

        A response whose envelope is broken tells nothing else, so nothing else is broken by it.
        """
        if any(exchange.number in self.unreadable for exchange in exchanges):
            return kept
        if kept:
            self.findings.hold(statement, *exchanges)
        else:
            quoted = seen if isinstance(seen, str) else shortened(repr(seen))
            violation = Violation(
                statement, *exchanges, expected=expected, seen=quoted, record=record,
                layer=self.layer,
            )  # fmt: skip
            self.findings.broke(violation)
        return kept

    def expect_served(self, statement: str, exchange: Exchange, why: str) -> bool:
        """Note whether a request was answered with OK, as ``statement`` promises."""
        return self.expect(
            statement, exchange, kept=exchange.ok, expected=f"OK: {why}", seen=outcome(exchange)
        )

    def expect_served_as(
        self, statement: str, exchange: Exchange, other: Exchange, why: str
    ) -> None:
        """Note whether a GET is served as another one is; somebody may delete what both name."""
        if not exchange.ok:
            with self.follow_up.following():
                exchange, other = self.send(exchange.call), self.send(other.call)
        if other.ok:
            self.expect_served(statement, exchange, why)

    # Webhook requests to work with.

    def record(self, state: str | None = None) -> Record:
        """Return a known webhook request, to be read. Raises Unreachable if there is none."""
        for record in self.pool.known(state):
            return record
        msg = f"no {state or ''} webhook request is known".replace("  ", " ")
        raise Unreachable(msg)

    def record_for_change(self, state: str | None = None) -> Record:
        """Return a webhook request that may be changed, once. Raises Unreachable."""
        record = self.pool.for_change(state)
        if record is None:
            msg = f"no unused {state or ''} webhook request is in scope"
            if not self.pool.is_free:
                msg += "; widen the scope with --only-… or --all-records"
            raise Unreachable(msg.replace("  ", " "))
        return record

    def judge_failures(self) -> None:
        """Send again what the server failed at, and judge what it fails at each time."""
        service = self.checker.service
        with self.follow_up.following(), suppress(BudgetSpent, Unreachable):
            for _ in range(2):
                for call in service.to_repeat():
                    self.send(call)
        self.checker.refused.clear()
        for violation in service.conclude():
            violation.layer = violation.layer or "check"
            self.findings.broke(violation)

    def conclude(self) -> None:
        """Look once more at what was changed, and judge what only the whole run tells."""
        self.follow_up.look_again()
        for violation in self.checker.history.conclude():
            violation.layer = violation.layer or "check"
            self.findings.broke(violation)
