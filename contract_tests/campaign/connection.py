"""The connection of a run: logins pass their guard, and the oracle observes each exchange."""

from contextlib import suppress

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.campaign.stopping import Stop
from crmcom_kit.contract_tests.client.calls import changing_method
from crmcom_kit.contract_tests.client.errors import (
    NoResponse,
    ResponseLost,
    ResponseTooLong,
    Unreachable,
)
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.http import Client
from crmcom_kit.contract_tests.client.targets import Target
from crmcom_kit.contract_tests.oracle.findings import Findings
from crmcom_kit.contract_tests.oracle.oracle import Observation, Oracle
from crmcom_kit.contract_tests.oracle.suspicions import Suspicion
from crmcom_kit.contract_tests.safety.logins import LoginGuard
from crmcom_kit.contract_tests.templates import Scene
from crmcom_kit.contract_tests.templates.logins import plain_list


class Connection:
    """One client, and the one oracle that observes its exchanges."""

    def __init__(self, client: Client, scene: Scene, findings: Findings | None, stop: Stop) -> None:
        """Send nothing yet; ``stop`` is asked before each request."""
        self.client, self.scene = client, scene
        self.oracle = Oracle(scene.belief)
        self.findings = Findings() if findings is None else findings
        self.queue: list[Suspicion] = []  # what is suspected and not settled
        self._stop = stop
        self._login_guard = LoginGuard(scene)

    @property
    def belief(self) -> Belief:
        """What is known of the target."""
        return self.scene.belief

    @property
    def target(self) -> Target:
        """What is checked."""
        return self.client.target

    def send(self, call: Call) -> Observation:
        """Send a request, and have the exchange observed.

        Raises:
            BudgetSpent, TargetDown: see ``Client.send``.
            Unreachable: the response is lost or too long.
            LoginLimit: the request is a login, and one too many.
            KeyboardInterrupt: the run must stop.
        """
        return self._send(call, once=self._login_guard(call))

    def send_login(self, call: Call, *, replaces: bool = False) -> Observation:
        """Send a login that the run cannot do without. Raises: see ``send``.

        With ``replaces`` its token replaces one that has ended.
        """
        return self._send(call, once=self._login_guard(call, is_needed=True, replaces=replaces))

    def _send(self, call: Call, *, once: bool) -> Observation:
        self._stop.check()
        changes = changing_method(call) is not None
        try:
            exchange = self.client.send(call, once=once or changes)
        except (NoResponse, ResponseLost, ResponseTooLong) as error:
            if changes:
                self.oracle.lose(call)
            elif isinstance(error, NoResponse):
                self.oracle.miss(call, len(self.client.history) + 1)
                self._see_whether_it_is_up(call)
            raise
        self._login_guard.note_response(exchange)
        observation = self.oracle.observe(exchange)
        self.findings.hold(observation.held, exchange)
        for check, crash in observation.errors:
            self.findings.note_crash(f"the check {check}", crash)
        return observation

    def _see_whether_it_is_up(self, call: Call) -> None:
        """Send the simplest request after one without a response. Raises TargetDown."""
        list_call = plain_list(self.scene, self.scene.token)
        if list_call != call:
            with suppress(Unreachable):
                self.send(list_call)

    def forget(self) -> None:
        """Forget what is known of the target, except the run's token."""
        scene, old_belief = self.scene, self.belief
        scene.belief = old_belief.emptied()
        if scene.token is not None:
            scene.belief.tokens.note(scene.token, old_belief.tokens.state(scene.token))
        self.oracle = Oracle(scene.belief)
        self.queue.clear()
