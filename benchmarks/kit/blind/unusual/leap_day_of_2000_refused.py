"""A list refuses February 29 of a year that 400 divides, as if it were no leap year.

Provoke it with list?entity=ACTIVITIES&created_date=2000-02-29 (or 1600-02-29, 2400-02-29, with a
time or without): the answer is the error of a bad date. 2000-02-28, 2000-03-01 and 2016-02-29
are served.
"""

from stand_in import reading
from stand_in.reading import Call, Refusal
from stand_in.server import StandIn

FACTS = (
    "1.2: created_date of list is a Date [S, seed]; its format is open (8.5), but the same "
    "format works on all other days"
)
CHOICES = {}
RELEASE = "R9"


class Server(StandIn):
    """A server that knows only half of the rule for centuries."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and check the day again."""
        super().read_arguments(call)
        if "created_date" in call.filters:
            text = call.parameters["created_date"]
            moment = reading.read_date(self.choices, text)
            if (moment.month, moment.day) == (2, 29) and moment.year % 100 == 0:
                raise Refusal("bad_date", f"{text} is not a date.")
