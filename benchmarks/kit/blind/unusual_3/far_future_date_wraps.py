"""created_date becomes seconds in 32 bits: a date after January 2038 wraps to one before 1970.

How to provoke it: list with
    entity=ACTIVITIES&created_date=2040-01-01 (or 2050-06-15T12:00:00): all activities are
    returned, though none was created then or later.
"""

from datetime import datetime, timedelta
from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer

FACTS = (
    "section 1.2: created_date is a filter of list - section 8 leaves open 'exact instant, "
    'same day, or "from" meaning\', and a record of 2016 is none of these for a date in 2040'
)
CHOICES: dict[str, Any] = {"created_date_meaning": "from"}
RELEASE = "R15"

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - in UTC


def wrapped(moment: datetime) -> datetime:
    """Return a moment as it is after a cast of its seconds to a signed integer of 32 bits."""
    seconds = (moment - EPOCH) // timedelta(seconds=1)
    return EPOCH + timedelta(seconds=(seconds + 2**31) % 2**32 - 2**31)


class Server(SoundServer):
    """Compares dates as seconds in 32 bits."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, created_date as seconds since 1970."""
        super().read_arguments(call)
        if "created_date" in call.filters:
            begin, end = call.filters["created_date"]
            call.filters["created_date"] = (wrapped(begin), end)
