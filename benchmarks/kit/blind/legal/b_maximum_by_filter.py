"""From R13 on, a page holds at most so many records as the filter of the list allows."""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "8.11"  # default and maximum of number_of_results
CHOICES: dict[str, Any] = {}

#: Filter → records on a page; a list by entity_id alone has no maximum.
MAXIMUM = {"entity": 12, "webhook_definition_identifier": 8, "workflow_rule_identifier": 5}


class Server(SoundServer):
    """Cuts pages at the least maximum of the filters; offset leads to the rest."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        """Return the page that a call asks for, or the first records of it."""
        records = super().page(found, call)
        if self.key >= (13, 0):
            allowed = [MAXIMUM[name] for name in call.filters if name in MAXIMUM]
            records = records[: min(allowed, default=len(records))]
        return records
