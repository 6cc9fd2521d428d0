"""The sender that sends nothing: scripts decide how deliveries end."""

import threading
from dataclasses import dataclass, replace
from typing import NamedTuple

from crmcom_kit.mock_server.deliveries.messages import OutgoingMessage
from crmcom_kit.mock_server.deliveries.outcomes import Outcome, outcome_of
from crmcom_kit.schemas.dialect import DialectError, dials, read_script
from crmcom_kit.usage_errors import LimitExceeded, UsageError, quoted

#: How many scripts a world may have, and how long one may be.
MAX_SCRIPTS = 1_000
MAX_SCRIPT = 10_000


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
