"""Small pages are in the order of numbers, larger ones by last update, whole lists by name."""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "8.12"
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Orders as a database does that reads an index for few rows, and else a whole table."""

    def select(self, call: Call) -> list[Record]:
        """Return what is selected, in the order of the page size; before R13 there is none."""
        found = super().select(call)
        if call.limit is None:
            found.sort(key=lambda record: (record.definition.name, record.entity, record.id))
        elif call.limit <= 10:
            found.sort(key=lambda record: (record.created, record.id))
        else:
            found.sort(key=lambda record: (record.updated or record.created, record.id))
            found.reverse()
        return found
