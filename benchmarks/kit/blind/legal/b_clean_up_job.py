"""A job deletes the oldest successful record at each seventh request, down to 12 of them."""

from typing import Any

from sound_server.server import SoundServer
from sound_server.world import SUCCESSFUL

FACTS = "5 (requests can be deleted, also by others)"
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Loses its oldest records while a client is at work, never a rejected one."""

    def work_of_others(self) -> None:
        """Let the job delete one record."""
        super().work_of_others()
        if self.requests % 7 == 0:
            old = [each for each in self.records.values() if each.life_cycle_state == SUCCESSFUL]
            if len(old) > 12:
                self.remove(min(old, key=lambda record: (record.created, record.id)))
