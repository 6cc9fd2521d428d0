"""A resend also sends the other rejected records with the same entity_id.

Breaks resend: "A single webhook request can be re-send through this method". The response has
only the record that was asked for; the others become SUCCESSFUL unseen.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import REJECTED

FACTS = "specification, resend: a single webhook request"
CHOICES: dict[str, Any] = {}
RELEASE = "R15"


class Server(SoundServer):
    """Sends all that is waiting for the same thing."""

    def do_resend(self, call: Call) -> Any:
        """Send a rejected record again, and its likes."""
        data = super().do_resend(call)
        record = self.find(call)
        for other in list(self.records.values()):
            alike = other is not record and other.entity_id == record.entity_id
            if alike and other.life_cycle_state == REJECTED:
                self.send_again(other)
        return data
