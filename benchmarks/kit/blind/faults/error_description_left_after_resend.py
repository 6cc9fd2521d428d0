"""A record that a resend has made SUCCESSFUL keeps its error_description.

Breaks "error_description: ... This is applicable only for rejected webhook request". Its
error_code is cleared as it should be.
"""

from typing import Any

from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "specification, Response Data: error_description only for rejected ones"
CHOICES: dict[str, Any] = {}
RELEASE = "R9"


class Server(SoundServer):
    """Clears only one of the two fields of an error."""

    def succeed(self, record: Record) -> None:
        """Let a record be one that was sent, with the text of its old error."""
        text = record.error_description
        super().succeed(record)
        record.error_description = text
