"""The collation ignores control and format characters, so texts that differ in them are equal.

How to provoke it: list with
    entity_id=1%E2%80%8B (a zero-width space), or entity_id=%C2%AD12 (a soft hyphen); show with
    webhook_request_identifier=number=7%00.
"""

import unicodedata
from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = (
    "section 1.2: entity_id is a 'String', the identifier exactly one id or number - records are "
    "returned whose entity_id, id or number is another text than the one that was asked for"
)
CHOICES: dict[str, Any] = {}
RELEASE = "R12"


def collated(text: str) -> str:
    """Return what counts of a text: not what has no weight in the Unicode collation."""
    return "".join(each for each in text if unicodedata.category(each) not in ("Cc", "Cf"))


class Server(SoundServer):
    """Compares texts as a database with utf8_unicode_ci does."""

    def names(self, record: Record, name: str, value: str, call: Call) -> bool:
        """Return whether an identifier names a record, by the collation."""
        if call.method == "show":
            value = collated(value)
        return super().names(record, name, value, call)

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record, by the collation."""
        if name == "entity_id":
            return collated(record.entity_id) in map(collated, call.filters[name])
        return super().matches(record, name, call)
