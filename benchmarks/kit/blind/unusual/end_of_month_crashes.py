"""A list crashes if its created_date is in the last day of a month.

Provoke it with list?entity=ACTIVITIES&created_date=2016-10-31, or 2016-02-29, 2016-12-31 or
2017-04-30T12:00:00; 2016-02-28 works. The server makes the next day with the same month and a day
that is one larger.
"""

from datetime import datetime

from stand_in import reading
from stand_in.reading import Call, Request
from stand_in.server import Reply, StandIn

FACTS = (
    "1.2: created_date of list is a Date [S, seed]; its format and meaning are open (8.5), "
    "but the same format works on all other days"
)
CHOICES = {}
RELEASE = "R9"

PAGE = b"<html><body><h1>HTTP Status 500 - Internal Server Error</h1></body></html>"


class Crash(Exception):
    """A month has no such day."""


class Server(StandIn):
    """A server that adds one to the day of the month."""

    def answer(self, request: Request) -> Reply:
        """Run the method; a crash comes out as the container's own page."""
        try:
            return super().answer(request)
        except Crash:
            return Reply(500, "text/html;charset=utf-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and find the end of the day."""
        super().read_arguments(call)
        if "created_date" in call.filters:
            self.next_day(reading.read_date(self.choices, call.parameters["created_date"]))

    def next_day(self, moment: datetime) -> datetime:
        """Return the same time of the next day."""
        try:
            return moment.replace(day=moment.day + 1)
        except ValueError as error:
            raise Crash(moment) from error
