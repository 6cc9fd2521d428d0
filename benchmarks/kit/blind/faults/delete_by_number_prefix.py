"""A delete by number takes the newest record whose number begins with the given one.

Breaks delete: "webhook_request_identifier: The identifier of the webhook request that should be
deleted". It shows with short numbers: 5 deletes 59.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "specification, delete: webhook_request_identifier"
CHOICES: dict[str, Any] = {}
RELEASE = "R9"


class Server(SoundServer):
    """Looks for a number as for the beginning of one, but only to delete."""

    def find(self, call: Call) -> Record:
        """Return the newest record whose number begins as the identifier says."""
        name, value = call.identifier
        if call.method == "delete" and name == "number":
            found = [each for each in self.records.values() if each.number.startswith(value)]
            if found:
                return found[-1]
        return super().find(call)
