"""An empty name in fields_set of show or list ends in a page of HTML; commas at its end do not.

How to provoke it: list?entity=JOBS&fields_set=id,,number, fields_set=,id, fields_set=, (commas
only).
"""

from typing import Any

from stand_in.reading import Call, Request
from stand_in.server import Reply, StandIn

FACTS = (
    "3: 'every response, errors included, is JSON'. What an odd fields_set means is open (8.10), "
    "but not that the answer to it may be a page of HTML."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R18"
PAGE = (
    b"<html><body><h2>HTTP ERROR: 500</h2><pre>"
    b"java.lang.StringIndexOutOfBoundsException: String index out of range: 0"
    b"</pre></body></html>"
)


class IndexOutOfBoundsError(Exception):
    """There is no first letter, or no first name."""


class Server(StandIn):
    """A server that looks at the first letter of each name, to build the name of a getter."""

    def answer(self, request: Request) -> Reply:
        """Run the method that the request is for."""
        try:
            return super().answer(request)
        except IndexOutOfBoundsError:
            return Reply(500, "text/html", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters of a call of webhook_requests."""
        text = call.parameters.get("fields_set")
        if call.verb == "GET" and isinstance(text, str) and text:
            names = text.rstrip(",").split(",")  # String.split drops empty texts at the end
            if not all(name.strip() for name in names):
                raise IndexOutOfBoundsError
        super().read_arguments(call)
