"""Two texts that both look like numbers are compared as numbers, as with == of PHP.

How to provoke it: show with
    webhook_request_identifier=number=1e1 (record 10 is returned), number=7.0 or number=0.2e2;
    list with entity_id=1.0 or entity_id=12e0.
"""

import re
from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = (
    "section 6: 'record numbers and ids are strings' - 1e1 is another string than 10, and 1.0 "
    "another one than 1: another record than the identifier names, and records that do not match"
)
CHOICES: dict[str, Any] = {}
RELEASE = "R12"

NUMERIC = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def loosely_equal(one: str, other: str) -> bool:
    """Return whether two texts are equal, as numbers if both look like numbers."""
    if NUMERIC.fullmatch(one) and NUMERIC.fullmatch(other):
        return float(one) == float(other)
    return one == other


class Server(SoundServer):
    """Compares numeric texts as numbers."""

    def names(self, record: Record, name: str, value: str, call: Call) -> bool:
        """Return whether an identifier names a record, loosely."""
        if call.method == "show":
            return loosely_equal(str(getattr(record, name)), value)
        return super().names(record, name, value, call)

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record, loosely."""
        if name == "entity_id":
            return any(loosely_equal(record.entity_id, value) for value in call.filters[name])
        return super().matches(record, name, call)
