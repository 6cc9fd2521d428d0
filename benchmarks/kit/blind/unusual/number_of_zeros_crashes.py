"""A show crashes if the number in its identifier is zero, however many zeros it has.

Provoke it with show?webhook_request_identifier=number=0, or with number=000: both must be the
error of an unknown webhook request. number=00x, -0 and 10 are answered as they should be. The
server finds the shelf of a number by its logarithm.
"""

import math
import re

from stand_in.reading import Call, Request
from stand_in.server import Reply, StandIn

FACTS = (
    "1.2: number is any String, and one that names no record is an error [I]; 3: 'every "
    "response, errors included, is JSON [S]'"
)
CHOICES = {}
RELEASE = "R9"

PAGE = b"<html><body><h1>HTTP Status 500 - Internal Server Error</h1></body></html>"


class Crash(Exception):
    """A number has no logarithm."""


class Server(StandIn):
    """A server that takes the logarithm of a number."""

    def answer(self, request: Request) -> Reply:
        """Run the method; a crash comes out as the container's own page."""
        try:
            return super().answer(request)
        except Crash:
            return Reply(500, "text/html;charset=utf-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and find the shelf of the number."""
        super().read_arguments(call)
        name, value = call.identifier
        if call.method == "show" and name == "number" and re.fullmatch("[0-9]{1,99}", value):
            self.shelf(int(value))

    def shelf(self, number: int) -> int:
        """Return on which shelf a number is."""
        try:
            return int(math.log10(number))
        except ValueError as error:
            raise Crash(number) from error
