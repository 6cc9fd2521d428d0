"""The sender that sends nothing: scripts decide how deliveries end."""

import threading
from dataclasses import dataclass, field, replace

from crmcom_kit.mock_server.deliveries.messages import OutgoingMessage
from crmcom_kit.mock_server.deliveries.outcomes import Outcome, outcome_of
from crmcom_kit.schemas.dialect import dials, read_script
from crmcom_kit.usage_errors import LimitExceeded, UsageError, quoted

#: How many scripts a world may have.
MAX_SCRIPTS = 1_000
_WORLD = (None, None)


@dataclass(slots=True)
class DeliveryScript:
    """A script, whose deliveries it decides, and how many of its outcomes are used up."""

    script: str
    record: str | None = None  # the number of a webhook request
    definition: str | None = None  # its name, or its id if it has none
    used: int = 0
    _steps: tuple[tuple[int, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the script. Raises UsageError if it names no known outcome."""
        steps = read_script(self.script)
        if steps is None:
            allowed = dials()["delivery.script"].allowed()
            raise UsageError("script", seen=quoted(self.script), allowed=allowed)
        self._steps = steps

    def next(self) -> str:
        """Return the name of the next outcome; the last one forever."""
        at = self.used
        self.used += 1
        for count, name in self._steps:
            if at < count:
                return name
            at -= count
        return self._steps[-1][1]


class ScriptedDelivery:
    """A sender that returns the outcomes of scripts, each one's last forever.

    The script of a webhook request goes before that of its definition, and that before the world's.
    Assumed: no page says when a webhook request is rejected or with which error.
    """

    def __init__(self, script: str) -> None:
        """Take the world's script, such as ``3*timeout, success``.

        Raises UsageError if it is not allowed.
        """
        self._lock = threading.Lock()
        self._first = script
        # By number of a webhook request and id of a definition, one of which is None, or both.
        self._scripts: dict[tuple[str | None, str | None], DeliveryScript]
        self._scripts = {_WORLD: DeliveryScript(script)}

    def send(self, message: OutgoingMessage) -> Outcome:
        """Return the next outcome of the script that decides."""
        keys = ((message.number, None), (None, message.definition), _WORLD)
        with self._lock:
            name = next(self._scripts[key] for key in keys if key in self._scripts).next()
        return outcome_of(name, message.url)

    def scripts(self) -> list[DeliveryScript]:
        """Return copies of the scripts, the world's first."""
        with self._lock:
            return [replace(script) for script in self._scripts.values()]

    def put(self, script: DeliveryScript, definition_id: str | None = None) -> None:
        """Let a script decide from its first outcome on. Raises LimitExceeded."""
        key = (script.record, definition_id)
        with self._lock:
            if key not in self._scripts and len(self._scripts) >= MAX_SCRIPTS:
                allowed = f"at most {MAX_SCRIPTS:,} scripts"
                raise LimitExceeded("script", seen="one more", allowed=allowed)
            self._scripts[key] = script

    def remove(self, number: str | None, definition_id: str | None) -> None:
        """End a script; the world's starts again as it was at first."""
        with self._lock:
            if (number, definition_id) == _WORLD:
                self._scripts[_WORLD] = DeliveryScript(self._first)
            else:
                self._scripts.pop((number, definition_id), None)

    def clone(self) -> "ScriptedDelivery":
        """Return an independent copy at the same places of the scripts."""
        copy = ScriptedDelivery(self._first)
        with self._lock:
            copy._scripts = {key: replace(script) for key, script in self._scripts.items()}
        return copy
