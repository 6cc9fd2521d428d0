"""Lists are in an order that depends on the filter, since each filter has a query of its own."""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "8.12"
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Sorts by last update, number downwards, or names, whichever filter comes first."""

    def select(self, call: Call) -> list[Record]:
        """Return what is selected, in the order of the query that the filters lead to."""
        found = super().select(call)
        if "entity_id" in call.filters:  # by entity, then by number downwards
            found.sort(key=lambda record: (record.created, record.id), reverse=True)
            found.sort(key=lambda record: record.entity)
        elif "webhook_definition_identifier" in call.filters:  # by last update
            found.sort(key=lambda record: record.updated or record.created)
        elif "workflow_rule_identifier" in call.filters:  # by name of the definition
            found.sort(key=lambda record: (record.definition.name.lower(), record.id))
        else:  # by number downwards, as text
            found.sort(key=lambda record: record.number, reverse=True)
        return found
