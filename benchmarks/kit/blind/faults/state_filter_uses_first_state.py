"""The filter life_cycle_state goes by the state that a record had before any resend.

Breaks list: "life_cycle_state: The life cycle state of the webhook requests that should be
returned as a result". A list of REJECTED ones has records that it shows as SUCCESSFUL.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "specification, list: life_cycle_state"
CHOICES: dict[str, Any] = {}
RELEASE = "R10"


class Server(SoundServer):
    """Has an index of states that resends do not change."""

    def set_up(self) -> None:
        """Make the index."""
        super().set_up()
        records = self.records.values()
        self.first_states = {record.id: record.life_cycle_state for record in records}

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record."""
        if name != "life_cycle_state":
            return super().matches(record, name, call)
        state = self.first_states.setdefault(record.id, record.life_cycle_state)
        return state in call.filters[name]
