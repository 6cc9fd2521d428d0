"""The connection of a run: each request passes the guards, and each exchange is observed."""

from contextlib import suppress
from dataclasses import dataclass, field

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.campaign.stopping import Stop
from crmcom_kit.contract_tests.client.calls import changing_method
from crmcom_kit.contract_tests.client.errors import (
    NoResponse,
    ResponseLost,
    ResponseTooLong,
    Unreachable,
    Withheld,
)
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.http import Client
from crmcom_kit.contract_tests.client.targets import Target
from crmcom_kit.contract_tests.oracle.findings import Findings
from crmcom_kit.contract_tests.oracle.oracle import Observation, Oracle
from crmcom_kit.contract_tests.oracle.suspicions import Suspicion
from crmcom_kit.contract_tests.safety.guard import Guard
from crmcom_kit.contract_tests.safety.logins import LoginGuard
from crmcom_kit.contract_tests.templates import Scene
from crmcom_kit.contract_tests.templates.logins import plain_list


@dataclass
class Connection:
    """One client behind its guards, and the one oracle that observes its exchanges."""

    client: Client
    oracle: Oracle
    scene: Scene
    findings: Findings = field(default_factory=Findings)
    queue: list[Suspicion] = field(default_factory=list)  # what is suspected and not settled
    stop: Stop = field(default_factory=Stop)  # asked before each request
    changed: set[str] = field(default_factory=set)  # ids of all that served requests have changed
    guard: Guard = field(init=False)  # asked before a request that may change something
    login_guard: LoginGuard = field(init=False)  # asked before a login
    #: How many requests of each changing method may be sent; of others, any number.
    changes_left: dict[str, int] = field(default_factory=dict)

    @property
    def belief(self) -> Belief:
        """What is known of the target."""
        return self.oracle.belief

    @property
    def target(self) -> Target:
        """What is checked."""
        return self.client.target

    @property
    def changed_numbers(self) -> tuple[str, ...]:
        """Numbers of the webhook requests that were changed, or may be: a response was unclear."""
        changed, touched = self.changed | self.guard.unclear, self.guard.touched
        return tuple(str(record.get("number")) for key, record in touched.items() if key in changed)

    def send(self, call: Call) -> Observation:
        """Send a request, and have the exchange observed.

        Raises:
            BudgetSpent, TargetDown: see ``Client.send``.
            Unreachable: the request may change something, and that is not allowed; or its response
                is lost or too long.
            Withheld: the request might change something out of scope.
            LoginLimit: the request is a login, and one too many.
            KeyboardInterrupt: the run was told to stop.
        """
        return self._send(call, once=self.login_guard(call))

    def send_login(self, call: Call, *, replaces: bool = False) -> Observation:
        """Send a login that the run cannot do without. Raises: see ``send``.

        With ``replaces`` its token replaces one that has ended.
        """
        return self._send(call, once=self.login_guard(call, is_needed=True, replaces=replaces))

    def _send(self, call: Call, *, once: bool) -> Observation:
        self.stop.check()
        change = changing_method(call)
        if change is not None:
            if change not in self.scene.allowed:
                msg = f"{change} is not allowed; allow it with --allow {change}"
                raise Unreachable(msg)
            self._count_change(change)
            self.guard(call)
        try:
            exchange = self.client.send(call, once=once or change is not None)
        except (NoResponse, ResponseLost, ResponseTooLong) as error:
            if change is not None:
                self.oracle.lose(call)
            elif isinstance(error, NoResponse):
                self.oracle.miss(call, len(self.client.history) + 1)
                self._see_whether_it_is_up(call)
            raise
        if change is not None:
            self.guard.note_response(exchange)
        self.login_guard.note_response(exchange)
        observation = self.oracle.observe(exchange)
        self.findings.hold(observation.held, exchange)
        for check, crash in observation.errors:
            self.findings.note_crash(f"the check {check}", crash)
        if change is not None and exchange.ok and self.belief.changes:
            self.changed |= self.belief.changes[-1].named
        return observation

    def _see_whether_it_is_up(self, call: Call) -> None:
        """Send the simplest request after one without a response. Raises TargetDown."""
        simplest = plain_list(self.scene, self.scene.token)
        if simplest != call:
            with suppress(Unreachable):
                self.send(simplest)

    def _count_change(self, method: str) -> None:
        left = self.changes_left.get(method)
        if left == 0:
            msg = f"no more requests to {method} are sent than --dry-run says: see --max-requests"
            raise Withheld(msg)
        if left is not None:
            self.changes_left[method] = left - 1
