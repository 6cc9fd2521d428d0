"""A deleted record stays in the lists that are asked for with entity_id.

Breaks delete: "This method is used to delete successful or rejected webhook requests" (8.22: that
the record is gone from show and list is what the page says). An index is not updated.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "8.22: the record is gone from show and list [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R9"


class Server(SoundServer):
    """Forgets to take deleted records out of the index of entity_id."""

    def select(self, call: Call) -> list[Record]:
        """Return the records that are selected, deleted ones among them."""
        found = super().select(call)
        if "entity_id" not in call.filters:
            return found
        gone = [record for record in self.deleted.values() if self.selected(record, call)]
        return self.in_order(found + gone) if gone else found
