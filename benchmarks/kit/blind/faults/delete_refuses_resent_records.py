"""A record that a resend has made SUCCESSFUL cannot be deleted.

Breaks delete: "This method is used to delete successful or rejected webhook requests". Rejected
ones, and those SUCCESSFUL from the start, can be deleted.
"""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import SoundServer
from sound_server.world import SUCCESSFUL

FACTS = "specification, delete: successful or rejected webhook requests"
CHOICES: dict[str, Any] = {}
RELEASE = "R10"


class Server(SoundServer):
    """Keeps records with more than one attempt."""

    def do_delete(self, call: Call) -> Any:
        """Delete a record unless it was sent again with success."""
        record = self.find(call)
        resent = record.sends > 1 and record.life_cycle_state == SUCCESSFUL
        if resent and record.id in self.records:
            raise Refusal("bad_parameter", "The webhook request has later attempts.")
        return super().do_delete(call)
