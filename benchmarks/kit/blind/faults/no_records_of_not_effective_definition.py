"""A list by a definition that is not effective has no records.

Breaks list: "webhook_definition_identifier: The identifier of the webhook definition related with
the webhook requests that should be returned as a result". The records are in other lists.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "specification, list: webhook_definition_identifier"
CHOICES: dict[str, Any] = {}
RELEASE = "R13"


class Server(SoundServer):
    """Joins only the effective definitions."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record."""
        lost = name == "webhook_definition_identifier" and not record.definition.effective
        return not lost and super().matches(record, name, call)
