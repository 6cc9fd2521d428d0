"""A list by life_cycle_state forgets a created_date that 32 bits of seconds do not hold.

Provoke it with list?entity=ACTIVITIES&life_cycle_state=REJECTED&created_date=2038-01-20: it
returns all rejected records, of 2016. 2038-01-19 returns none, and so does 2038-01-20 without
life_cycle_state. The same happens before 1901-12-13T20:45:52.
"""

from datetime import datetime, timedelta

from stand_in import reading
from stand_in.reading import Call
from stand_in.server import StandIn

FACTS = (
    "1.2: created_date selects by the created date of the records [S, seed]; in none of the "
    "meanings of 8.5 does a date after all records select one"
)
CHOICES = {}
RELEASE = "R9"

EPOCH = datetime(1970, 1, 1)
LIMIT = 2**31


class Server(StandIn):
    """A server whose index of states keeps times in 32 bits."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and drop a date that the index cannot hold."""
        super().read_arguments(call)
        if {"created_date", "life_cycle_state"} <= set(call.filters):
            moment = reading.read_date(self.choices, call.parameters["created_date"])
            if not -LIMIT <= (moment - EPOCH) // timedelta(seconds=1) < LIMIT:
                del call.filters["created_date"]
