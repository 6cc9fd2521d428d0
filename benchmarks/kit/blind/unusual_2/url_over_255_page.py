"""A url of more than 255 characters in list does not fit a column: a page of HTML.

How to provoke it: list?entity=ACTIVITIES&url=http://hooks.example.com/xxx... (256 characters or
more).
"""

from typing import Any

from stand_in.reading import Call, Request
from stand_in.server import Reply, StandIn

FACTS = (
    "3: 'every response, errors included, is JSON'; 1.2: 'url | String | optional', without a "
    "length. The answer is a page of HTML."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R18"
PAGE = (
    b"<html><head><title>Error 500--Internal Server Error</title></head><body><pre>"
    b"org.hibernate.exception.DataException: value too long for type character varying(255)"
    b"</pre></body></html>"
)


class ValueTooLongError(Exception):
    """What a database raises for a value that is longer than its column."""


class Server(StandIn):
    """A server that binds url to a short parameter of SQL."""

    def answer(self, request: Request) -> Reply:
        """Run the method that the request is for."""
        try:
            return super().answer(request)
        except ValueTooLongError:
            return Reply(500, "text/html", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters of a call of webhook_requests."""
        super().read_arguments(call)
        if call.method == "list" and len(call.filters.get("url", "")) > 255:
            raise ValueTooLongError
