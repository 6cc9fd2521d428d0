"""A show or list crashes if a known field in fields_set has a blank after it.

Provoke it with list?entity=ACTIVITIES&fields_set=id%20,number, or with fields_set=id,number%20;
id,%20number works. Tabs, line ends and no-break spaces are blanks, too. The server checks names
without the blanks around them, and looks them up without those before them.
"""

from stand_in.reading import Call, FIELDS, Request
from stand_in.server import Reply, StandIn

FACTS = (
    "3: 'every response, errors included, is JSON [S]'; whether blanks count is open (8.10), "
    "an answer in JSON is not"
)
CHOICES = {}
RELEASE = "R9"

PAGE = b"<html><body><h1>HTTP Status 500 - Internal Server Error</h1></body></html>"


class Crash(Exception):
    """There is no such field."""


class Server(StandIn):
    """A server that strips names on one side only."""

    def answer(self, request: Request) -> Reply:
        """Run the method; a crash comes out as the container's own page."""
        try:
            return super().answer(request)
        except Crash:
            return Reply(500, "text/html;charset=utf-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and look the fields up."""
        super().read_arguments(call)
        text = call.parameters.get("fields_set")
        if call.method in ("show", "list") and isinstance(text, str):
            for name in text.split(","):
                if name.strip() in FIELDS:
                    self.look_up(name.lstrip())

    def look_up(self, name: str) -> int:
        """Return the position of a field in the documents."""
        try:
            return FIELDS.index(name)
        except ValueError as error:
            raise Crash(name) from error
