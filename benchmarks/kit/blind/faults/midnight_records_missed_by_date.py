"""The filter created_date misses the records created in the first second of a day.

Breaks list: "created_date: The created date of the webhook requests that should be returned as a
result". Whether the filter means an instant, a day or what follows (8.5), a record created at
midnight is selected by its own created_date.
"""

from datetime import time
from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "specification, list: created_date"
CHOICES: dict[str, Any] = {}
RELEASE = "R18"


class Server(SoundServer):
    """Begins a day after its first moment."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record."""
        lost = name == "created_date" and record.created.time() == time()
        return not lost and super().matches(record, name, call)
