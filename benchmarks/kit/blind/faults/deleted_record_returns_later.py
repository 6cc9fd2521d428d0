"""A deleted record is back five requests after the one that deleted it.

Breaks delete: "This method is used to delete successful or rejected webhook requests" (8.22: that
the record is gone from show and list is what the page says). A lagging copy is written back.
"""

from typing import Any

from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "8.22: the record is gone from show and list [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R13"
REQUESTS = 5


class Server(SoundServer):
    """Loses each delete after a while."""

    def set_up(self) -> None:
        """Make the list of deletes."""
        super().set_up()
        self.removed_at: dict[str, int] = {}

    def remove(self, record: Record) -> None:
        """Take a record out of the world for now."""
        super().remove(record)
        self.removed_at[record.id] = self.requests

    def work_of_others(self) -> None:
        """Let the deleted records come back whose time has come."""
        super().work_of_others()
        for record_id, at in list(self.removed_at.items()):
            if self.requests - at >= REQUESTS:
                del self.removed_at[record_id]
                record = self.deleted.pop(record_id, None)
                if record is not None:
                    self.records[record_id] = record
