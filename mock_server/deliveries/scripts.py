"""The sender that sends nothing: scripts decide the outcomes of deliveries."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from crmcom_kit.mock_server.deliveries.messages import Outcome, OutgoingMessage, outcome_of
from crmcom_kit.schemas.dialect import ScriptStep, dials, read_script
from crmcom_kit.usage_errors import LimitExceeded, UsageError, quoted

#: Maximum number of scripts of a world.
MAX_SCRIPTS = 1_000


@dataclass(slots=True)
class DeliveryScript:
    """A script, its webhook requests, and the number of its used outcomes."""

    script: str
    #: The number of a webhook request; None for all webhook requests without their own script.
    record: str | None = None
    used: int = 0
    of_scenario: bool = False  # True: set by a scenario, not by a test
    _steps: tuple[ScriptStep, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the script. Raises UsageError if it names no known outcome."""
        steps = read_script(self.script)
        if steps is None:
            allowed = dials()["delivery.script"].allowed()
            raise UsageError("script", seen=quoted(self.script), allowed=allowed)
        self._steps = steps

    def __str__(self) -> str:
        return f"{self.script} for {self.record or 'all'}"

    def next(self) -> str:
        """Return the name of the next outcome; the last one repeats."""
        index = self.used
        self.used += 1
        for step in self._steps:
            if index < step.times:
                return step.outcome
            index -= step.times
        return self._steps[-1].outcome


class ScriptedDelivery:
    """A sender that returns the outcomes of scripts.

    The script of a webhook request goes before the world's. Assumed: no page says when a webhook
    request is rejected or with which error.
    """

    def __init__(self, script: str) -> None:
        """Set the world's script, such as ``3*timeout, success``.

        Raises UsageError if it is not allowed.
        """
        self._lock = threading.Lock()
        self._first = script
        # By the number of a webhook request; the world's by None.
        self._scripts: dict[str | None, DeliveryScript] = {None: DeliveryScript(script)}

    def send(self, message: OutgoingMessage) -> Outcome:
        """Return the next outcome of the script for the message."""
        with self._lock:
            script = self._scripts.get(message.number) or self._scripts[None]
            name = script.next()
        return outcome_of(name, message.url)

    def scripts(self) -> list[DeliveryScript]:
        """Return copies of the scripts, the world's first."""
        with self._lock:
            return [replace(script) for script in self._scripts.values()]

    def never_used(self) -> list[DeliveryScript]:
        """Return the scripts of a webhook request that a test has set and no delivery has used."""
        scripts = self.scripts()[1:]
        return [script for script in scripts if not script.used and not script.of_scenario]

    def put(self, script: str | None, number: str | None, *, of_scenario: bool = False) -> None:
        """Set or end the script of a webhook request, or of all; it starts with its first outcome.

        Raises UsageError, LimitExceeded.
        """
        if script is None and number is not None:
            with self._lock:
                self._scripts.pop(number, None)
            return
        text = self._first if script is None else script
        delivery_script = DeliveryScript(text, number, of_scenario=of_scenario)
        with self._lock:
            if number not in self._scripts and len(self._scripts) >= MAX_SCRIPTS:
                allowed = f"at most {MAX_SCRIPTS:,} scripts"
                raise LimitExceeded("script", seen="one more", allowed=allowed)
            self._scripts[number] = delivery_script

    def restart(self, scripts: Mapping[str | None, str]) -> "ScriptedDelivery":
        """Return a copy with the first script, and ``scripts`` by number, at their first outcomes.

        Raises UsageError, LimitExceeded.
        """
        copy = ScriptedDelivery(self._first)
        for number, script in scripts.items():
            copy.put(script, number, of_scenario=True)
        return copy

    def clone(self) -> "ScriptedDelivery":
        """Return an independent copy whose scripts are at the same outcomes."""
        copy = ScriptedDelivery(self._first)
        copy._scripts = {script.record: script for script in self.scripts()}
        return copy
