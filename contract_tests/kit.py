"""One run's hands: sends calls, has every exchange judged, and notes what checks find out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from crmcom_kit.contract_tests.calls import build
from crmcom_kit.contract_tests.client import Client
from crmcom_kit.contract_tests.exchanges import Call, Exchange
from crmcom_kit.contract_tests.findings import Findings, Unreachable, Violation
from crmcom_kit.contract_tests.pool import Pool, Seen
from crmcom_kit.contract_tests.targets import Target
from crmcom_kit.schemas.methods import Method, methods
from crmcom_kit.schemas.releases import Release

#: A judge looks at one exchange and yields a statement's id where its promise was kept, a
#: Violation where it was not.
Judge = Callable[[Exchange, "Kit"], Iterator["str | Violation"]]


class Kit:
    """What probes and generated calls work with."""

    def __init__(
        self,
        client: Client,
        *,
        allowed: frozenset[str] = frozenset(),
        pool: Pool | None = None,
        judges: Sequence[Judge] = (),
        findings: Findings | None = None,
    ) -> None:
        """Work on ``client``'s target.

        Args:
            client: sends the calls.
            allowed: the changing methods that may be called: resend, delete.
            pool: what is known of the target's webhook requests.
            judges: look at every exchange.
            findings: where everything that is found goes.
        """
        self.client = client
        self.allowed = allowed
        self.pool = pool or Pool()
        self.findings = findings or Findings()
        self.token: str | None = client.target.login.token
        self.layer = ""
        self._judges = judges
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
        if "token" in method.parameters and "token" not in given:
            given = {"token": self.token, **given}
        return self.send(build(method, given, raw=raw))

    def send(self, call: Call) -> Exchange:
        """Send a call as it stands, and have the exchange judged.

        Raises:
            BudgetSpent, TargetDown: see ``Client.send``.
            Unreachable: the call may change something, and that is not allowed.
        """
        if call.method in ("resend", "delete") and call.method not in self.allowed:
            msg = f"{call.method} is not allowed; allow it with --allow {call.method}"
            raise Unreachable(msg)
        exchange = self.client.send(call)
        for judge in self._judges:
            for verdict in judge(exchange, self):
                if isinstance(verdict, Violation):
                    verdict.layer = verdict.layer or "judge"
                    self.findings.broke(verdict)
                else:
                    self.findings.hold(verdict, exchange)
        return exchange

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
        """Note that ``statement`` was kept, or broken; return ``kept``."""
        if kept:
            self.findings.hold(statement, *exchanges)
        else:
            shown = seen if isinstance(seen, str) else shortened(repr(seen))
            violation = Violation(
                statement,
                *exchanges,
                expected=expected,
                seen=shown,
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

    def record(self, state: str | None = None) -> Seen:
        """Return a known webhook request, to be read. Raises Unreachable where there is none."""
        for record in self.pool.some(state):
            return record
        msg = f"no {state or ''} webhook request is known".replace("  ", " ")
        raise Unreachable(msg)

    def record_for_change(self, state: str | None = None) -> Seen:
        """Return a webhook request that may be changed, once. Raises Unreachable."""
        record = self.pool.for_change(state)
        if record is None:
            msg = f"no {state or ''} webhook request is in scope and untouched; "
            msg += "widen the scope with --only-… or --all-records"
            raise Unreachable(msg.replace("  ", " "))
        return record


def outcome(exchange: Exchange) -> str:
    """Say in a few words how a call was answered."""
    if exchange.ok:
        return "OK"
    if not exchange.envelope:
        return f"HTTP {exchange.status} without an envelope"
    return f"HTTP {exchange.status}, code {shortened(str(exchange.code))}"


def shortened(text: str, most: int = 200) -> str:
    """Return ``text``, cut where it is long."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
