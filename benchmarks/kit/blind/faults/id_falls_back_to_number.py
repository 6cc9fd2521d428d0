"""An identifier with an id that no record has names the record with that number.

Breaks show, resend and delete: "id: The ID of the retrieved webhook request"; the identifier
fields id and number (1.2 [S]) are two things. A delete with id=7 deletes the record number 7.
"""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "1.2: webhook_request_identifier: id or number [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R18"


class Server(SoundServer):
    """Tries an unknown id as a number."""

    def find(self, call: Call) -> Record:
        """Return the record that the identifier names by id or else by number."""
        try:
            return super().find(call)
        except Refusal:
            name, value = call.identifier
            for record in self.records.values():
                if name == "id" and record.number == value:
                    return record
            raise
