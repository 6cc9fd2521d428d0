"""A show or list crashes if fields_set names a field again with another name in between.

Provoke it with show?webhook_request_identifier=number=7&fields_set=id,number,id; id,id,number
works, as the server leaves out a name that is the same as the one just before it.
"""

from itertools import groupby

from stand_in.reading import Call, Request
from stand_in.server import Reply, StandIn

FACTS = (
    "3: 'every response, errors included, is JSON [S]'; what a name given twice means is "
    "open (8.10), an answer in JSON is not"
)
CHOICES = {}
RELEASE = "R9"

PAGE = b"<html><body><h1>HTTP Status 500 - Internal Server Error</h1></body></html>"


class Crash(Exception):
    """A name is there already."""


class Server(StandIn):
    """A server that leaves out only neighbors that are the same."""

    def answer(self, request: Request) -> Reply:
        """Run the method; a crash comes out as the container's own page."""
        try:
            return super().answer(request)
        except Crash:
            return Reply(500, "text/html;charset=utf-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and number the fields."""
        super().read_arguments(call)
        if call.method in ("show", "list"):
            self.number_names(call.fields or [])

    def number_names(self, names: list[str]) -> dict[str, int]:
        """Return names with their positions, which must be unique."""
        positions = dict[str, int]()
        for name, _ in groupby(names):
            if name in positions:
                raise Crash(name)
            positions[name] = len(positions)
        return positions
