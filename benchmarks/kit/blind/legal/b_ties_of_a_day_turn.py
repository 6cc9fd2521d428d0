"""Lists are by day of creation, the last day first; within a day the order changes each time."""

from typing import Any

from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "8.12"
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Sorts by a column that is not unique, so pages may repeat a record or leave one out."""

    def in_order(self, found: list[Record]) -> list[Record]:
        """Return the records of the last day first, and those of one day in any order."""
        found = list(super().in_order(found))
        self.random.shuffle(found)
        return sorted(found, key=lambda record: record.created.date(), reverse=True)
