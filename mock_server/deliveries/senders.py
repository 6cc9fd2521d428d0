"""How a webhook request is sent: attempts, their messages and outcomes, and the scripted sender."""

import threading
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import orjson

from crmcom_kit import __version__
from crmcom_kit.mock_server.deliveries.outcomes import Outcome, OutcomeName, outcome_of
from crmcom_kit.schemas.dialect import (
    DialectError,
    dials,
    read_script,
)
from crmcom_kit.schemas.third_party import Message, ThirdPartyMessages
from crmcom_kit.usage_errors import LimitExceeded, UsageError, quoted

#: Headers in which the mock identifies itself and the attempt; they are not the vendor's.
OWN_HEADER = "X-Crmcom-Mock"
LABEL_HEADER = "X-Mock-Attempt"
#: How many scripts a world may have, and how long one may be.
MAX_SCRIPTS = 1_000
MAX_SCRIPT = 10_000


class OutgoingMessage(NamedTuple):
    """What an attempt sends, and where to."""

    url: str
    data: bytes | None
    authentication_code: str | None
    label: str = ""  # the mock's own name of the attempt, sent in a header
    cut: bool = False  # whether only the first half of the body is sent
    number: str = ""  # of the webhook request; not sent
    definition: str = ""  # the id of its webhook definition; not sent


class CallFailed(Exception):
    """No response came: the outcome's name, and why."""

    def __init__(self, outcome: OutcomeName, why: str) -> None:
        """Remember ``outcome``."""
        super().__init__(why)
        self.outcome = outcome


class Stopped(Exception):
    """The mock stops: an attempt was abandoned, and its outcome is unknown."""


def message_of(messages: ThirdPartyMessages, message: OutgoingMessage) -> Message:
    """Return the HTTP message of an attempt: the dialect's, and the mock's own headers.

    A record without a data object sends an empty one.
    """
    data = {} if message.data is None else orjson.loads(message.data)
    method, headers, body = messages.written(data, message.authentication_code)
    if message.cut:
        body = body[: len(body) // 2]
    own = (("User-Agent", f"crmcom-kit/{__version__}"), (OWN_HEADER, __version__))
    label = ((LABEL_HEADER, message.label),) if message.label else ()
    return Message(method, (*own, *label, *headers), body)


class Delivery(Protocol):
    """A sender of webhook requests. It is called without any lock held."""

    def send(self, message: OutgoingMessage) -> Outcome:
        """Try once and return the outcome; do not raise for what a receiver does.

        Raises Stopped if the mock stops meanwhile. Any other exception fails the attempt.
        """
        ...

    def reset(self) -> None:
        """Return to the initial state: the world was reset."""
        ...


class ScriptTarget(NamedTuple):
    """Whose deliveries a script decides: a webhook request's, a definition's, or all others."""

    number: str | None = None  # of a webhook request
    definition: str | None = None  # the id of a webhook definition


#: What has no script of its own.
WORLD = ScriptTarget()


@dataclass(slots=True)
class Script:
    """A script, and how many of its outcomes are used up."""

    text: str
    steps: tuple[tuple[int, str], ...]
    used: int = 0

    def next(self) -> str:
        """Return the name of the next outcome; the last one forever."""
        at = self.used
        self.used += 1
        for count, name in self.steps:
            if at < count:
                return name
            at -= count
        return self.steps[-1][1]


class ScriptedDelivery:
    """A sender that sends nothing and returns the outcomes of scripts, each one's last forever.

    The script of a webhook request goes before that of its definition, and that before the world's.
    Assumed: no page says when a webhook request is rejected or with which error.
    """

    def __init__(self, script: str, *, description_limit: int) -> None:
        """Take the world's script, such as ``3*timeout, success``.

        Raises:
            DialectError: the script names no known outcome.
        """
        steps = read_script(script)
        if steps is None:
            allowed = dials()["delivery.script"].allowed()
            msg = f"delivery script {script!r} is not allowed; allowed is {allowed}"
            raise DialectError(msg)
        self._first = Script(script, steps)
        self._limit = description_limit
        self._lock = threading.Lock()
        self._scripts = {WORLD: replace(self._first)}

    def send(self, message: OutgoingMessage) -> Outcome:
        """Return the next outcome of the script that decides."""
        own = ScriptTarget(number=message.number)
        of_definition = ScriptTarget(definition=message.definition)
        with self._lock:
            decides = next(one for one in (own, of_definition, WORLD) if one in self._scripts)
            name = self._scripts[decides].next()
        return outcome_of(name, message.url, self._limit)

    def scripts(self) -> dict[ScriptTarget, Script]:
        """Return copies of the scripts, the world's first."""
        with self._lock:
            return {target: replace(script) for target, script in self._scripts.items()}

    def put(self, target: ScriptTarget, script: str | None) -> None:
        """Let a script decide from its first outcome on; None ends what was put there before.

        Raises:
            UsageError: the script names no known outcome, or is too long.
            LimitExceeded: there are as many scripts as allowed.
        """
        steps = None
        if script is not None:
            steps = read_script(script) if len(script) <= MAX_SCRIPT else None
            if steps is None:
                known = dials()["delivery.script"].allowed()
                allowed = f"{known}, in at most {MAX_SCRIPT:,} characters"
                raise UsageError("script", seen=quoted(script), allowed=allowed)
        with self._lock:
            if script is not None and steps is not None:
                if target not in self._scripts and len(self._scripts) >= MAX_SCRIPTS:
                    allowed = f"at most {MAX_SCRIPTS:,} scripts"
                    raise LimitExceeded("script", seen="one more", allowed=allowed)
                self._scripts[target] = Script(script, steps)
            elif target == WORLD:
                self._scripts[WORLD] = replace(self._first)
            else:
                self._scripts.pop(target, None)

    def clone(self) -> "ScriptedDelivery":
        """Return an independent copy at the same places of the scripts."""
        copy = ScriptedDelivery(self._first.text, description_limit=self._limit)
        copy._scripts = self.scripts()
        return copy

    def reset(self) -> None:
        """Start the first script again, without those that were put."""
        with self._lock:
            self._scripts = {WORLD: replace(self._first)}
