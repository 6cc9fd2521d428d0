"""A list of INVOICES has the records of INVOICECANCELLATIONS, too.

Breaks list: "entity: The name of the entity related with the webhook requests that should be
returned as a result", and 1.3: both are entities of their own from R15.0.0 on [S].
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "specification, list: entity; 1.3 [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R15"


class Server(SoundServer):
    """Keeps invoices and their cancellations in one table."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record."""
        is_cancellation = name == "entity" and record.entity == "INVOICECANCELLATIONS"
        if is_cancellation and "INVOICES" in call.filters[name]:
            return True
        return super().matches(record, name, call)
