"""The session of a run: sends requests, runs the checks, and records what they find."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.http import Client
from crmcom_kit.contract_tests.findings import Findings, Unreachable, Violation
from crmcom_kit.contract_tests.safety.pool import Pool, Record
from crmcom_kit.contract_tests.stopping import Stop
from crmcom_kit.contract_tests.targets import Target
from crmcom_kit.schemas.methods import Method, methods
from crmcom_kit.schemas.releases import Release

#: A check looks at one exchange and yields a statement's id where its promise was kept, a
#: Violation where it was not.
Check = Callable[[Exchange, "Session"], Iterator["str | Violation"]]

#: Of an answer that breaks one of these, nothing else can be said.
_CONDEMNING = frozenset(
    f"envelope.{name}" for name in ("json", "status", "code_ok", "data_object", "data_array")
) | {"errors.json", "errors.code_not_ok"}
_CONDEMNING |= {f"{name}.single_result" for name in ("show", "resend", "delete")}


class TokenRefresher(Protocol):
    """Sees to it that the run's token holds."""

    def renew_ahead(self) -> None:
        """Get another token if the present one is about to end."""
        ...

    def renewed_after(self, exchange: Exchange) -> bool:
        """Whether a call was refused for the token's sake, and there is another token now."""
        ...


class ChangeGuard(Protocol):
    """Looks at each call that may change something before it is sent."""

    touched: dict[str, Record]  # by id: all that a changing call has named

    def __call__(self, call: Call) -> None:
        """Let ``call`` pass. Raises Unreachable where it would leave the scope."""
        ...

    def answered(self, exchange: Exchange) -> None:
        """Take note of the answer to a call that passed."""
        ...


class Session:
    """What probes and generated calls work with."""

    def __init__(
        self,
        client: Client,
        *,
        allowed: frozenset[str] = frozenset(),
        pool: Pool | None = None,
        checks: Sequence[Check] = (),
        findings: Findings | None = None,
    ) -> None:
        """Work on ``client``'s target.

        Args:
            client: sends the calls.
            allowed: the changing methods that may be called: resend, delete.
            pool: what is known of the target's webhook requests.
            checks: look at every exchange.
            findings: where everything that is found goes.
        """
        self.client = client
        self.allowed = allowed
        self.pool = Pool() if pool is None else pool  # an empty one counts
        self.findings = findings or Findings()
        self.token: str | None = client.target.login.token
        self.layer = ""
        self.refresher: TokenRefresher | None = None
        self.small_budget = False  # whether there are fewer requests than all probes take
        self.shares_looks = False  # whether a GET that was answered already is not sent again
        self._looks: dict[tuple[str, str], Exchange] = {}  # by path and query
        self.guard: ChangeGuard | None = None  # asked before a call that may change
        self.stop = Stop()  # asked before each call
        self.secret_keys: Mapping[str, str] = {}  # of webhook definitions, by id
        self.memory: dict[str, Any] = {}  # what checks keep from one exchange to the next
        self.checked: dict[Any, Any] = {}  # what checks said of webhook requests, as they looked
        self._condemned: set[int] = set()  # exchanges whose envelope is broken already
        self._checks = checks
        self._methods = methods(client.target.release)

    @property
    def target(self) -> Target:
        """What is checked."""
        return self.client.target

    @property
    def release(self) -> Release:
        """The release that the target is held to."""
        return self.client.target.release

    def method(self, name: str) -> Method:
        """Return a method of the release. Raises Unreachable where the release has it not."""
        if name not in self._methods:
            msg = f"{self.release.name} has no {name}"
            raise Unreachable(msg)
        return self._methods[name]

    def call(
        self, name: str, parameters: Mapping[str, Any] | None = None, *, raw: bool = False
    ) -> Exchange:
        """Call a method with the run's token in front of ``parameters``."""
        method = self.method(name)
        given = dict(parameters or {})
        if "token" not in method.parameters or "token" in given:
            return self.send(build(method, given, raw=raw))
        if self.refresher is not None:
            self.refresher.renew_ahead()
        call = build(method, {"token": self.token, **given}, raw=raw)
        if self.shares_looks and (call.path, call.query) in self._looks:
            return self._looks[call.path, call.query]
        exchange = self.send(call)
        if exchange.ok or self.refresher is None or not self.refresher.renewed_after(exchange):
            return exchange
        if method.verb != "GET":  # never sent twice, whatever the first answer says
            msg = f"the token ended before {name}; a run with a fresh token reaches it"
            raise Unreachable(msg)
        return self.send(build(method, {"token": self.token, **given}, raw=raw))

    def send(self, call: Call) -> Exchange:
        """Send a call as it stands, and have the exchange checked.

        Raises:
            BudgetSpent, TargetDown: see ``Client.send``.
            Unreachable: the call may change something, and that is not allowed.
            KeyboardInterrupt: the run was told to stop.
        """
        self.stop.check()
        changes = changing_method(call)
        if changes is not None and changes not in self.allowed:
            msg = f"{changes} is not allowed; allow it with --allow {changes}"
            raise Unreachable(msg)
        if changes is not None and self.guard is not None:
            self.guard(call)
        exchange = self.client.send(call)
        if changes is not None and self.guard is not None:
            self.guard.answered(exchange)
        if self.client.limits.max_requests is not None:
            self._keep(exchange)
        kept: list[str] = []
        for check in self._checks:
            for verdict in check(exchange, self):
                if isinstance(verdict, Violation):
                    verdict.layer = verdict.layer or "judge"
                    self.findings.broke(verdict)
                    if verdict.statement in _CONDEMNING:
                        self._condemned.add(exchange.number)
                else:
                    kept.append(verdict)
        self.findings.hold_all(kept, exchange)
        return exchange

    def _keep(self, exchange: Exchange) -> None:
        """Keep the answer to a GET, until a call is made that may change something."""
        call = exchange.call
        if changing_method(call) is not None:
            self._looks.clear()
        elif call.verb == "GET" and call.body is None and not call.headers:
            self._looks[call.path, call.query] = exchange

    @property
    def reading_changes(self) -> bool:
        """Whether reading was found to change things: then no two answers can be compared."""
        return self.findings.is_broken("show.changes_nothing", "list.changes_nothing")

    # What a check says of a statement.

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

        An answer whose envelope is broken tells nothing else: what follows of it is no violation.
        """
        if any(exchange.number in self._condemned for exchange in exchanges):
            return kept
        if kept:
            self.findings.hold(statement, *exchanges)
        else:
            text = seen if isinstance(seen, str) else shortened(repr(seen))
            violation = Violation(
                statement,
                *exchanges,
                expected=expected,
                seen=text,
                record=record,
                layer=self.layer,
            )
            self.findings.broke(violation)
        return kept

    def expect_served(self, statement: str, exchange: Exchange, why: str) -> bool:
        """Note whether a call was answered with OK, as ``statement`` promises."""
        return self.expect(
            statement, exchange, kept=exchange.ok, expected=f"OK: {why}", seen=outcome(exchange)
        )

    def expect_refused(self, statement: str, exchange: Exchange, why: str) -> bool:
        """Note whether a call was answered with an error, as ``statement`` promises."""
        return self.expect(
            statement, exchange, kept=not exchange.ok, expected=f"an error: {why}", seen="OK"
        )

    # Webhook requests to work with.

    def record(self, state: str | None = None) -> Record:
        """Return a known webhook request, to be read. Raises Unreachable where there is none."""
        for record in self.pool.known(state):
            return record
        msg = f"no {state or ''} webhook request is known".replace("  ", " ")
        raise Unreachable(msg)

    def record_for_change(self, state: str | None = None) -> Record:
        """Return a webhook request that may be changed, once. Raises Unreachable."""
        record = self.pool.for_change(state)
        if record is None:
            msg = f"no {state or ''} webhook request is in scope and untouched"
            if not getattr(self.pool.may_change, "everything", False):
                msg += "; widen the scope with --only-… or --all-records"
            raise Unreachable(msg.replace("  ", " "))
        return record


def changing_method(call: Call) -> str | None:
    """Return which method that changes webhook requests a call reaches, however it is called."""
    parts = (call.method, *call.path.lower().split("/"))
    return next((name for name in ("resend", "delete") if name in parts), None)


def outcome(exchange: Exchange) -> str:
    """Say in a few words how a call was answered."""
    if exchange.ok:
        return "OK"
    if not exchange.envelope:
        return f"HTTP {exchange.status} without an envelope"
    return f"HTTP {exchange.status}, code {shortened(str(exchange.code))}"


def shortened(text: str, limit: int = 200) -> str:
    """Return ``text``, cut where it is long."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
