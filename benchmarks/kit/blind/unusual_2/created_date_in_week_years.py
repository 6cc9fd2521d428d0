"""created_date is compared with dates whose year is that of the week (YYYY for yyyy in Java).

How to provoke it: list?entity=JOBS&created_date=2016-01-01, where records were created on 1 or 2
January 2016: these days are in the last week of 2015.
"""

from datetime import datetime
from typing import Any

from stand_in.reading import Call
from stand_in.server import StandIn
from stand_in.world import Record

FACTS = (
    "1.2: 'created_date | Date'; 6: dates are 'yyyy-MM-ddTHH:mm:ss'. Whichever meaning 8.5 leaves "
    "open, a record is missing that was created on that very day, at the very second even."
)
CHOICES: dict[str, Any] = {"first_record": datetime(2015, 12, 27, 9, 30)}  # noqa: DTZ001
RELEASE = "R15"


class Server(StandIn):
    """A server that compares days as texts, one of them in a wrong format."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record."""
        if name == "created_date":
            begin: datetime = call.filters[name][0]
            made = record.created
            return begin.strftime("%Y-%m-%d") == f"{made.isocalendar()[0]:04}-{made:%m-%d}"
        return super().matches(record, name, call)
