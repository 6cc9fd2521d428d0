"""A list crashes if the year of its created_date is below 1000.

Provoke it with list?entity=ACTIVITIES&created_date=0999-12-30, or 0001-01-01 or
0016-10-05T10:00:00; 1000-01-01 works. The server writes the date without leading zeros, and reads
it again.
"""

from datetime import datetime

from stand_in import reading
from stand_in.reading import Call, Request
from stand_in.server import Reply, StandIn

FACTS = (
    "1.2: created_date of list is a Date [S, seed], and yyyy-MM-dd has four digits for these "
    "years, too; 3: 'every response, errors included, is JSON [S]'"
)
CHOICES = {}
RELEASE = "R9"

PAGE = b"<html><body><h1>HTTP Status 500 - Internal Server Error</h1></body></html>"


class Crash(Exception):
    """A year has fewer than four digits."""


class Server(StandIn):
    """A server that loses the leading zeros of a year."""

    def answer(self, request: Request) -> Reply:
        """Run the method; a crash comes out as the container's own page."""
        try:
            return super().answer(request)
        except Crash:
            return Reply(500, "text/html;charset=utf-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and pass the date on as text."""
        super().read_arguments(call)
        if "created_date" in call.filters:
            moment = reading.read_date(self.choices, call.parameters["created_date"])
            self.read_again(f"{moment.year}-{moment.month}-{moment.day}")

    def read_again(self, text: str) -> datetime:
        """Return the date in a text."""
        try:
            return datetime.strptime(text, "%Y-%m-%d")
        except ValueError as error:
            raise Crash(text) from error
