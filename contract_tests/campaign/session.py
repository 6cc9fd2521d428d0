"""Send requests with the run's token, and once more if it has ended or a refusal may pass."""

from collections.abc import Iterator, Mapping
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.tokens import TokenState
from crmcom_kit.contract_tests.campaign.connection import Connection
from crmcom_kit.contract_tests.campaign.patience import Patience
from crmcom_kit.contract_tests.campaign.tokens import Tokens
from crmcom_kit.contract_tests.client.calls import build, changing_method, with_token
from crmcom_kit.contract_tests.client.errors import Unreachable, Withheld
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.http import MAX_TRIES
from crmcom_kit.contract_tests.client.targets import Target
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.contract_tests.oracle.oracle import Observation, Oracle
from crmcom_kit.contract_tests.safety.guard import Guard
from crmcom_kit.contract_tests.safety.ledger import Ledger
from crmcom_kit.schemas.methods import Method

#: The maximum number of webhook requests, changed by others, that notes name.
MAX_OTHERS = 20


class Session:
    """What a run sends through: a connection, the run's token, a guard of changes, and patience."""

    def __init__(
        self, connection: Connection, ledger: Ledger | None = None, *, may_find_more: bool = False
    ) -> None:
        """Send through ``connection``. See ``Guard`` for the ledger and ``may_find_more``."""
        self._connection = connection
        self.client, self.scene = connection.client, connection.scene
        self.findings, self.queue = connection.findings, connection.queue
        self._patience = Patience(self.client, self.scene)
        self.tokens = Tokens(connection, self._patience)
        self.guard = Guard(self.scene, self.client, self.call, ledger, may_find_more=may_find_more)
        self.changed_ids: set[str] = set()  # ids of all that served requests have changed
        #: How many requests of each changing method may be sent; of others, any number.
        self.changes_left: dict[str, int] = {}

    @property
    def oracle(self) -> Oracle:
        """The oracle that observes the exchanges."""
        return self._connection.oracle

    @property
    def belief(self) -> Belief:
        """What is known of the target."""
        return self._connection.belief

    @property
    def target(self) -> Target:
        """What is checked."""
        return self.client.target

    @property
    def changed_numbers(self) -> tuple[str, ...]:
        """Numbers of the webhook requests that were changed, or may be: a response was unclear."""
        ids, records = self.changed_ids | self.guard.unclear_ids, self.guard.touched_records
        return tuple(str(record.get("number")) for key, record in records.items() if key in ids)

    def forget(self) -> None:
        """Forget what is known of the target, except the token."""
        self._connection.forget()

    def send(self, call: Call) -> Observation:
        """Send a request that may change something, if that is allowed, or that only reads.

        Raises: see ``Connection.send``; and
            Unreachable: the change is not allowed.
            Withheld: it might be one out of scope.
        """
        change = changing_method(call)
        if change is None:
            return self._connection.send(call)
        if change not in self.scene.allowed:
            msg = f"{change} is not allowed; allow it with --allow {change}"
            raise Unreachable(msg)
        self._count_change(change)
        self.guard(call)
        observation = self._connection.send(call)
        self.guard.note_response(observation.exchange)
        if observation.exchange.ok and self.belief.changes.sent:
            self.changed_ids |= self.belief.changes.sent[-1].record_ids
        return observation

    def _count_change(self, method: str) -> None:
        changes_left = self.changes_left.get(method)
        if changes_left == 0:
            msg = f"no more requests to {method} are sent than --dry-run says: see --max-requests"
            raise Withheld(msg)
        if changes_left is not None:
            self.changes_left[method] = changes_left - 1

    def send_patiently(self, call: Call) -> Observation:
        """Send a request; send a read again if its token has ended, or if its refusal may pass.

        A change is never sent twice.

        Raises: see ``send``; and Unreachable if a change was refused since the token had ended, or
            since the server refused everything.
        """
        observation = self.send(call)
        if self.tokens.renew_if_ended(observation):
            change = changing_method(call)
            if change is not None:
                msg = f"{change} was refused as everything was then, and is never sent twice"
                raise Unreachable(msg)
            observation = self.send(self.with_current_token(call))
        for tries in range(MAX_TRIES):
            if not self._patience.waits_to_retry(observation, tries):
                break
            refusal = observation.exchange.wording
            observation = self.send(self.with_current_token(call))
            self._patience.learn(refusal, observation)
        return observation

    def method(self, name: str) -> Method:
        """Return a method of the release. Raises Unreachable if the release does not have it."""
        method = self.scene.methods.get(name)
        if method is None:
            msg = f"{self.scene.release.name} has no {name}"
            raise Unreachable(msg)
        return method

    def request(self, name: str, parameters: Mapping[str, Any]) -> Observation:
        """Call a method with the run's token.

        Raises: see ``send_patiently``; and Unreachable if the release has no such method.
        """
        method = self.method(name)
        token = {"token": self.scene.token} if "token" in method.parameters else {}
        return self.send_patiently(build(method, {**token, **parameters}))

    def call(self, name: str, parameters: Mapping[str, Any]) -> Exchange:
        """Call a method with the run's token, and queue what is suspected.

        Raises: see ``request``.
        """
        observation = self.request(name, parameters)
        self.queue += observation.suspicions
        return observation.exchange

    def with_current_token(self, call: Call) -> Call:
        """Return a request with the run's present token, if it has that of an earlier login."""
        old_token, token = call.parameters.get("token"), self.scene.token
        may_be_valid = self.belief.tokens.state(old_token) in (TokenState.LIVE, TokenState.DOUBTFUL)
        if not isinstance(old_token, str) or not may_be_valid or token is None:
            return call
        return with_token(call, token)

    def warnings(self) -> Iterator[str]:
        """Yield a sentence for each response of a gateway, and if the user may be locked."""
        for status, count in sorted(self.client.hiccups.items()):
            times = "once" if count == 1 else f"{count} times"
            yield f"a gateway returned HTTP {status} {times} instead of a response of the server"
        for request, count in sorted(self.client.silences.items()):
            yield f"no response came to {request}: {counted(count, 'time')}"
        if self.scene.logins.is_locked:
            passwords = counted(self.scene.logins.count.wrong_passwords, "wrong password")
            yield (
                f"the right login was refused after {passwords}, and had been served before: this "
                "looks like a locked user, and the run sent only logins that it needed"
            )

    def notes(self) -> Iterator[str]:
        """Yield a sentence for each wait, and for each change that others may have made."""
        yield from self._patience.notes()
        yield from self.oracle.service.unanswered()
        for key, text in list(self.belief.by_others.sightings.items())[:MAX_OTHERS]:
            record = self.belief.records.by_id.get(key)
            number = key if record is None else record.number
            yield f"somebody else may have changed the webhook request {number}: seen {text}"
