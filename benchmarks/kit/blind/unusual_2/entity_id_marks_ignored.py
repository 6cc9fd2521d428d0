"""entity_id is compared by a collation that ignores combining marks and invisible characters.

How to provoke it: list?entity_id=1%CC%81 (1 and a combining acute), entity_id=12%E2%80%8F (12 and
a right-to-left mark), entity_id=1%EF%B8%8F (1 and a variation selector).
"""

import unicodedata
from typing import Any

from stand_in.reading import Call
from stand_in.server import StandIn
from stand_in.world import Record

FACTS = (
    "1.2: 'entity_id | String' is a filter, and by 1.4 entity_id is a String of the record. The "
    "records that are listed have another entity_id than the one asked for."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R15"


def key(text: str) -> str:
    """Return what the collation compares of a text."""
    parts = unicodedata.normalize("NFD", text)
    return "".join(each for each in parts if unicodedata.category(each) not in ("Mn", "Me", "Cf"))


class Server(StandIn):
    """A server whose database has a generous collation on one column."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record."""
        if name == "entity_id":
            return key(record.entity_id) in [key(each) for each in call.filters[name]]
        return super().matches(record, name, call)
