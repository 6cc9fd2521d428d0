"""A list by the alternative_code of a definition has the records of longer codes, too.

Breaks list: "webhook_definition_identifier: The identifier of the webhook definition related
with the webhook requests that should be returned": AF brings AF2. By id or name it is right.
"""

from typing import Any

from sound_server.reading import Call, identifier_pairs
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "specification, list: webhook_definition_identifier"
CHOICES: dict[str, Any] = {}
RELEASE = "R10"
PARAMETER = "webhook_definition_identifier"


class Server(SoundServer):
    """Compares alternative codes of definitions by their beginning."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record."""
        if super().matches(record, name, call):
            return True
        if name != PARAMETER:
            return False
        fields = ("id", "name", "alternative_code")
        pairs = identifier_pairs(self.choices, call, PARAMETER, fields)
        if [field for field, _ in pairs] != ["alternative_code"] or not call.filters[name]:
            return False
        return record.definition.alternative_code.startswith(pairs[0][1])
