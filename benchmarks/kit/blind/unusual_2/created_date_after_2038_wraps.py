"""created_date is kept in 32 bits of seconds: from 2038-01-19 on it is long ago, and matches.

How to provoke it: list?entity=JOBS&created_date=2038-01-20, created_date=2099-12-31 (lists records
of 2016); created_date=1900-01-01 (lists none, as that is in the future).
"""

from datetime import datetime, timedelta
from typing import Any

from stand_in.reading import Call
from stand_in.server import StandIn

FACTS = (
    "1.2: 'created_date | Date (one value'. 8.5 leaves open 'exact instant, same day, or \"from\" "
    "meaning': by none of them was a record of 2016 created in 2038 or later."
)
CHOICES: dict[str, Any] = {"created_date_meaning": "from"}
RELEASE = "R12"
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001


def wrapped(moment: datetime) -> datetime:
    """Return a moment as 32 bits of seconds keep it."""
    seconds = (moment - EPOCH) // timedelta(seconds=1)
    return EPOCH + timedelta(seconds=(seconds + 2**31) % 2**32 - 2**31)


class Server(StandIn):
    """A server with a column for dates that ends in 2038."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters of a call of webhook_requests."""
        super().read_arguments(call)
        if "created_date" in call.filters:
            begin, end = call.filters["created_date"]
            call.filters["created_date"] = (wrapped(begin), end)
