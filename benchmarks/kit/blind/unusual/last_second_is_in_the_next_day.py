"""A created_date with the time 23:59:59 selects as the first second of the next day does.

Provoke it with list?entity=ACTIVITIES&created_date=2016-10-05T23:59:59: it returns what
2016-10-06T00:00:00 returns, while 2016-10-05T23:59:58 selects records of October 5. The server
takes the last second of a day for the end of that day, and so for the beginning of the next.
"""

from datetime import timedelta

from stand_in import reading
from stand_in.reading import Call
from stand_in.server import StandIn

FACTS = (
    "1.2: created_date selects by the created date of the records [S, seed]; the choices of "
    "8.5 (instant, day, from; zone) do not differ for one second of the day"
)
CHOICES = {}
RELEASE = "R9"


class Server(StandIn):
    """A server that rounds the last second of a day up."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and round the date."""
        super().read_arguments(call)
        text = call.parameters.get("created_date")
        if "created_date" in call.filters and "T23:59:59" in text:
            moment = reading.read_date(self.choices, text)
            moment += timedelta(minutes=self.choices.created_date_zone)
            if moment.year < 9999:
                rounded = moment + timedelta(seconds=1)
                call.filters["created_date"] = reading.read_span(self.choices, rounded.isoformat())
