"""A list with number_of_results takes the page first and heeds life_cycle_state only then.

Breaks 1.2: number_of_results and offset (records to skip, R13.0.0) count the records that are
returned. A page has fewer records than it should, and offset skips some that are not in the list.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "1.2: number_of_results, offset: records to skip"
CHOICES: dict[str, Any] = {}
RELEASE = "R13"


class Server(SoundServer):
    """Looks at the state of a record after the query."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record for the page."""
        late = name == "life_cycle_state" and call.limit is not None
        return late or super().matches(record, name, call)

    def page(self, found: list[Record], call: Call) -> list[Record]:
        """Return what is left of the page that a call asks for."""
        rows = super().page(found, call)
        states = call.filters.get("life_cycle_state")
        if states is None or call.limit is None:
            return rows
        return [record for record in rows if record.life_cycle_state in states]
