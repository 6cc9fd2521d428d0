"""A list by definition ignores life_cycle_state.

Breaks list: "life_cycle_state: The life cycle state of the webhook requests that should be
returned as a result". With entity, entity_id or a rule alone the filter works. The list is wrong
whether filters mean that all of them select (AND) or any (OR).
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "specification, list: life_cycle_state"
CHOICES: dict[str, Any] = {}
RELEASE = "R12"


class Server(SoundServer):
    """Has a query for definitions that knows no state."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record."""
        if name == "life_cycle_state" and "webhook_definition_identifier" in call.filters:
            return True
        return super().matches(record, name, call)
