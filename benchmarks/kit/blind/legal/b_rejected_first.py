"""Lists begin with what is rejected, last update first, so that a resend moves a record."""

from typing import Any

from sound_server.server import SoundServer
from sound_server.world import REJECTED, Record

FACTS = "8.12"
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Shows first what somebody has to look at, as a screen for operators would."""

    def in_order(self, found: list[Record]) -> list[Record]:
        """Return rejected records before successful ones, each the latest change first."""
        found = sorted(super().in_order(found), key=lambda record: record.id)
        found.sort(key=lambda record: record.updated or record.created, reverse=True)
        return sorted(found, key=lambda record: record.life_cycle_state != REJECTED)
