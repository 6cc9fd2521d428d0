"""A list crashes if offset and number_of_results add up to more than 2147483647.

Provoke it with list?entity=ACTIVITIES&number_of_results=2147483647&offset=1, or with
number_of_results=2147483648 alone; number_of_results=2147483647 alone works. An offset without
number_of_results crashes from 2147483648 on.
"""

import struct

from stand_in.reading import Call, Request
from stand_in.server import Reply, StandIn

FACTS = (
    "1.2: number_of_results and offset are Numbers from R13.0.0 on [S]; a maximum is open "
    "(8.11), an answer in JSON is not (3: 'every response, errors included, is JSON [S]')"
)
CHOICES = {}
RELEASE = "R13"

PAGE = b"<html><body><h1>HTTP Status 500 - Internal Server Error</h1></body></html>"


class Crash(Exception):
    """A number has more than 31 bits."""


class Server(StandIn):
    """A server that keeps the end of a page in 31 bits and a sign."""

    def answer(self, request: Request) -> Reply:
        """Run the method; a crash comes out as the container's own page."""
        try:
            return super().answer(request)
        except Crash:
            return Reply(500, "text/html;charset=utf-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and find the end of the page."""
        super().read_arguments(call)
        if call.method == "list":
            self.pack_number(call.skip + (call.limit or 0))

    def pack_number(self, number: int) -> bytes:
        """Return a number in four bytes."""
        try:
            return struct.pack(">i", number)
        except struct.error as error:
            raise Crash(number) from error
