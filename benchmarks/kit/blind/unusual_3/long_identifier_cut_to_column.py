"""A value longer than the column is cut to the 32 characters of the column before it is compared.

How to provoke it: show with
    webhook_request_identifier=id=<the id of a record>0 (33 characters or more); list with
    entity_id=<an entity_id of 32 characters>-x.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = (
    "section 1.2: webhook_request_identifier names by 'exactly one of the two', id or number - "
    "a record is returned whose id is another text, or whose entity_id does not match"
)
CHOICES: dict[str, Any] = {}
RELEASE = "R9"

COLUMN = 32  # CHAR(32), to which the driver casts what it compares


class Server(SoundServer):
    """Casts identifiers to the type of the column."""

    def names(self, record: Record, name: str, value: str, call: Call) -> bool:
        """Return whether an identifier names a record, as the column's type has it."""
        if call.method == "show":
            value = value[:COLUMN]
        return super().names(record, name, value, call)

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record, as the column's type has it."""
        if name == "entity_id":
            return record.entity_id in [value[:COLUMN] for value in call.filters[name]]
        return super().matches(record, name, call)
