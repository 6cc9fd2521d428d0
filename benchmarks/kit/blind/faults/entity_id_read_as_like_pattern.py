"""The filter entity_id is a pattern of SQL: an underscore stands for any letter.

Breaks list: "entity_id: The ID of the entity related with the webhook requests that should be
returned as a result". It shows with ids such as A_1, which brings the records of AB1, too.
"""

import re
from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "specification, list: entity_id"
CHOICES: dict[str, Any] = {}
RELEASE = "R9"


class Server(SoundServer):
    """Compares entity_id with LIKE."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record."""
        if super().matches(record, name, call):
            return True
        if name != "entity_id":
            return False
        patterns = [re.escape(v).replace("_", ".").replace("%", ".*") for v in call.filters[name]]
        return any(re.fullmatch(each, record.entity_id, re.DOTALL) for each in patterns)
