"""Send requests with the run's token, within its scope, and have every exchange observed."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Belief, TokenState
from crmcom_kit.contract_tests.campaign.patience import Patience
from crmcom_kit.contract_tests.campaign.stopping import Stop
from crmcom_kit.contract_tests.campaign.tokens import Tokens
from crmcom_kit.contract_tests.client.calls import build, changing_method, with_token
from crmcom_kit.contract_tests.client.errors import (
    NoResponse,
    ResponseLost,
    ResponseTooLong,
    Unreachable,
    Withheld,
)
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.http import MAX_TRIES, Client
from crmcom_kit.contract_tests.client.targets import Target
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.contract_tests.oracle.findings import Findings
from crmcom_kit.contract_tests.oracle.oracle import Observation, Oracle
from crmcom_kit.contract_tests.oracle.suspicions import Suspicion
from crmcom_kit.contract_tests.safety.logins import LoginGuard
from crmcom_kit.contract_tests.safety.scope import Guard
from crmcom_kit.contract_tests.templates import Scene
from crmcom_kit.contract_tests.templates.logins import plain_list
from crmcom_kit.schemas.methods import Method

#: So many webhook requests are named that somebody else has changed.
MAX_OTHERS = 20


@dataclass
class Session:
    """What a run sends through: one client, one oracle, one token."""

    client: Client
    oracle: Oracle
    scene: Scene
    findings: Findings = field(default_factory=Findings)
    queue: list[Suspicion] = field(default_factory=list)  # what is suspected and not settled
    stop: Stop = field(default_factory=Stop)  # asked before each request
    changed: set[str] = field(default_factory=set)  # ids of all that served requests have changed
    tokens: Tokens = field(init=False)
    patience: Patience = field(init=False)
    guard: Guard = field(init=False)  # asked before a request that may change something
    login_guard: LoginGuard = field(init=False)  # asked before a login
    #: How many requests of each changing method may be sent; of others, any number.
    changes_left: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tokens = Tokens(self)
        self.patience = Patience(self)
        self.login_guard = LoginGuard(self.scene)
        self.guard = Guard(self)

    @property
    def belief(self) -> Belief:
        """What is known of the target."""
        return self.oracle.belief

    def start_anew(self) -> None:
        """Reset the kit's own mock, forget what was known of it, and log in."""
        if self.target.reset is not None:
            self.target.reset()
        self.forget()
        self.tokens.renew()

    def forget(self) -> None:
        """Forget what is known of the target, except the token."""
        belief = Belief(self.belief.release, credentials=self.belief.credentials)
        if self.scene.token is not None:
            belief.set_token(self.scene.token, self.belief.token_state(self.scene.token))
        self.oracle, self.scene.belief = Oracle(belief), belief
        self.queue.clear()

    @property
    def target(self) -> Target:
        """What is checked."""
        return self.client.target

    @property
    def changed_numbers(self) -> tuple[str, ...]:
        """Numbers of the webhook requests that were changed, or may be: no response has told."""
        changed, touched = self.changed | self.guard.unclear, self.guard.touched
        return tuple(str(each.get("number")) for key, each in touched.items() if key in changed)

    def method(self, name: str) -> Method:
        """Return a method of the release. Raises Unreachable if the release does not have it."""
        found = self.scene.methods.get(name)
        if found is None:
            msg = f"{self.scene.release.name} has no {name}"
            raise Unreachable(msg)
        return found

    # Sending.

    def send(self, call: Call) -> Observation:
        """Send a request as it stands, and have the exchange observed.

        Raises:
            BudgetSpent, TargetDown: see ``Client.send``.
            Unreachable: the request may change something, and that is not allowed; or its response
                is lost, or too long.
            Withheld: it may change something, and might leave the scope.
            LoginLimit: it is a login, and one too many.
            KeyboardInterrupt: the run was told to stop.
        """
        return self._send(call, once=self.login_guard(call))

    def send_login(self, call: Call, *, replaces: bool = False) -> Observation:
        """Send a login that the run cannot go on without. Raises: see ``send``.

        With ``replaces`` its token takes the place of one that has ended.
        """
        return self._send(call, once=self.login_guard(call, is_needed=True, replaces=replaces))

    def _send(self, call: Call, *, once: bool) -> Observation:
        self.stop.check()
        changes = changing_method(call)
        if changes is not None and changes not in self.scene.allowed:
            msg = f"{changes} is not allowed; allow it with --allow {changes}"
            raise Unreachable(msg)
        if changes is not None:
            self._count_change(changes)
            self.guard(call)
        try:
            exchange = self.client.send(call, once=once or changes is not None)
        except (NoResponse, ResponseLost, ResponseTooLong) as missing:
            if changes is not None:
                self.oracle.lose(call)
            elif isinstance(missing, NoResponse):
                self.oracle.miss(call, len(self.client.history) + 1)
                self._see_whether_it_is_up(call)
            raise
        if changes is not None:
            self.guard.note_response(exchange)
        self.login_guard.note_response(exchange)
        found = self.oracle.observe(exchange)
        self.findings.hold_all(found.held, exchange)
        for name, error in found.errors:
            self.findings.crash(f"the check {name}", error)
        if changes is not None and exchange.ok and self.belief.changes:
            self.changed |= self.belief.changes[-1].named
        return found

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

    def persist(self, call: Call) -> Observation:
        """Send a request; a read again if its token has ended, or if its refusal may pass.

        Raises: see ``send``; and Unreachable if the token has ended before a change, or the server
            refuses everything then: a change is never sent twice.
        """
        sent = self.send(call)
        if self.tokens.has_ended(sent):
            changes = changing_method(call)
            if changes is not None:
                msg = f"{changes} was refused as everything was then, and is never sent twice"
                raise Unreachable(msg)
            sent = self.send(self.renewed(call))
        for tries in range(MAX_TRIES):
            if not self.patience.tries_again(sent, tries):
                break
            refused, sent = sent.exchange.wording, self.send(self.renewed(call))
            self.patience.learn(refused, sent)
        return sent

    def request(self, name: str, parameters: Mapping[str, Any]) -> Observation:
        """Call a method with the run's token.

        Raises: see ``persist``; and Unreachable if the release has no such method.
        """
        method = self.method(name)
        own = {"token": self.scene.token} if "token" in method.parameters else {}
        return self.persist(build(method, {**own, **parameters}))

    def call(self, name: str, parameters: Mapping[str, Any]) -> Exchange:
        """Call a method with the run's token; what is suspect in it waits in the queue.

        Raises: see ``request``.
        """
        sent = self.request(name, parameters)
        self.queue += sent.suspicions
        return sent.exchange

    def renewed(self, call: Call) -> Call:
        """Return a request with the run's present token, if it had that of an earlier login."""
        earlier, token = call.parameters.get("token"), self.scene.token
        may_be_valid = self.belief.token_state(earlier) in (TokenState.LIVE, TokenState.DOUBTFUL)
        if not isinstance(earlier, str) or not may_be_valid or token is None:
            return call
        return with_token(call, token)

    def warnings(self) -> Iterator[str]:
        """Yield what a gateway returned, and that the user may be locked, a sentence each."""
        for status, count in sorted(self.client.hiccups.items()):
            times = "once" if count == 1 else f"{count} times"
            yield f"a gateway returned HTTP {status} {times} instead of a response of the server"
        for request, count in sorted(self.client.silences.items()):
            yield f"no response came to {request}: {counted(count, 'time')}"
        if self.scene.logins.is_locked:
            wrong = counted(self.scene.logins.count.wrong_passwords, "wrong password")
            yield (
                f"the right login was refused after {wrong}, and had been served before: this "
                "looks like a locked user, and the run sent only logins that it needed"
            )

    def notes(self) -> Iterator[str]:
        """Yield what was waited for, and what others may have done, a sentence each."""
        yield from self.patience.notes()
        yield from self.oracle.service.unanswered()
        for key, seen in list(self.belief.changed_by_others.items())[:MAX_OTHERS]:
            known = self.belief.tracked.get(key)
            number = key if known is None else known.number
            yield f"somebody else may have changed the webhook request {number}: seen {seen}"
