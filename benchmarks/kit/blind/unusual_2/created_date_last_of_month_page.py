"""The last day of a month as created_date: the day after it is no date, and a page of HTML comes.

How to provoke it: list?entity=JOBS&created_date=2016-10-31, created_date=2016-02-29,
created_date=2015-12-31T23:59:59.
"""

from calendar import monthrange
from typing import Any

from stand_in.reading import Call, Request
from stand_in.server import Reply, StandIn

FACTS = (
    "3: 'every response, errors included, is JSON'; 1.2: 'created_date | Date'. The last day of a "
    "month is a date, and the answer to it is a page of HTML."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R9"
PAGE = (
    b"<!doctype html><html><head><title>HTTP Status 500</title></head><body><p>"
    b"java.time.DateTimeException: Invalid date: the day is not in this month"
    b"</p></body></html>"
)


class InvalidDayError(Exception):
    """A day that its month does not have."""


class Server(StandIn):
    """A server that adds one to the day of a month."""

    def answer(self, request: Request) -> Reply:
        """Run the method that the request is for."""
        try:
            return super().answer(request)
        except InvalidDayError:
            return Reply(500, "text/html;charset=utf-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters of a call of webhook_requests."""
        super().read_arguments(call)
        if "created_date" in call.filters:
            begin = call.filters["created_date"][0]
            if begin.day == monthrange(begin.year, begin.month)[1]:
                raise InvalidDayError
