"""Send requests with the run's token, and have every exchange observed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crmcom_kit.contract_tests.checks.world import TokenState
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.http import Client, TargetDown
from crmcom_kit.contract_tests.client.made_up import NO_TOKEN
from crmcom_kit.contract_tests.findings import Findings
from crmcom_kit.contract_tests.next.belief import Belief
from crmcom_kit.contract_tests.next.oracle import Oracle
from crmcom_kit.contract_tests.next.suspicions import Suspicion
from crmcom_kit.contract_tests.next.templates import Scene
from crmcom_kit.contract_tests.next.templates.logins import by_key, by_password


@dataclass
class Session:
    """What a run sends through: one client, one oracle, one token."""

    client: Client
    oracle: Oracle
    scene: Scene
    findings: Findings = field(default_factory=Findings)
    queue: list[Suspicion] = field(default_factory=list)  # what is suspected and not settled
    refusal: tuple[int, Any] | None = None  # how a token is refused that no login returned

    @property
    def belief(self) -> Belief:
        """What is known of the target."""
        return self.oracle.belief

    def send(self, call: Call) -> tuple[Exchange, list[Suspicion]]:
        """Send a request, observe the exchange, and return what it makes suspect."""
        exchange = self.client.send(call)
        found = self.oracle.observe(exchange)
        self.findings.hold_all(found.held, exchange)
        for name, error in found.errors:
            self.findings.crash(f"the check {name}", error)
        return exchange, found.suspicions

    def call(self, method: str, parameters: Mapping[str, Any]) -> Exchange:
        """Call a method with the run's token; what is suspect in it waits in the queue."""
        about = self.scene.method(method)
        assert about is not None  # noqa: S101 - a confirmation calls methods of every release
        token = {"token": self.scene.token}
        exchange, found = self.send(build(about, {**token, **parameters}))
        if self.is_token_refused(exchange) and self.log_in():
            exchange, found = self.send(build(about, {"token": self.scene.token, **parameters}))
        self.queue += found
        return exchange

    def renewed(self, call: Call) -> Call:
        """Return a request with the run's present token, if it had an earlier one."""
        token = call.parameters.get("token")
        about = self.scene.method(call.method)
        if token is None or token == self.scene.token or about is None:
            return call
        if self.belief.token_state(token) is not TokenState.LIVE:
            return call
        return build(about, {**call.parameters, "token": self.scene.token})

    # Logging in.

    def log_in(self) -> bool:
        """Get a token; return whether there is a new one."""
        login = self.scene.login
        about = self.scene.method("token")
        if by_password(self.scene) and about is not None:
            call: Call | None = build(about, by_password(self.scene))
        elif login.api_key is not None:
            call = by_key(self.scene, f"{login.api_key}:")
        else:
            call = None
        if call is None:
            return False
        exchange, found = self.send(call)
        self.queue += found
        data = exchange.data if isinstance(exchange.data, dict) else {}
        if exchange.ok and isinstance(data.get("token"), str):
            self.scene.token = data["token"]
            return True
        return False

    def enter(self) -> None:
        """Log in, unless a token was given, and learn how a wrong token is refused."""
        if self.scene.token is not None:
            self.belief.set_token(self.scene.token, TokenState.LIVE)
        elif not self.log_in():
            msg = f"{self.client.target.name} refuses the login"
            raise TargetDown(msg)
        about = self.scene.method("list")
        if about is None:
            return
        given = {"token": NO_TOKEN, "entity": self.scene.release.entities[0]}
        exchange, found = self.send(build(about, given))
        self.queue += found
        if not exchange.ok:
            self.refusal = (exchange.status, exchange.code)

    def is_token_refused(self, exchange: Exchange) -> bool:
        """Whether a request with the run's token was refused as one with a wrong token."""
        given = exchange.call.parameters.get("token")
        if exchange.ok or given != self.scene.token or self.refusal is None:
            return False
        if (exchange.status, exchange.code) != self.refusal:
            return False
        about = self.scene.method("list")
        entity = self.scene.release.entities[0]
        if about is None:
            return False
        plain = self.client.send(build(about, {"token": given, "entity": entity}))
        return not plain.ok and (plain.status, plain.code) == self.refusal
