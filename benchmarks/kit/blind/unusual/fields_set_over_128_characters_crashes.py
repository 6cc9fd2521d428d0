"""A show or list crashes if its fields_set is longer than 128 characters.

Provoke it with show?webhook_request_identifier=number=7&fields_set= and all fifteen names (173
characters), or with any thirteen of them. Nine to twelve names are enough if they are long ones;
eight never are.
"""

from stand_in.reading import Call, Request
from stand_in.server import Reply, StandIn

FACTS = (
    "1.2: fields_set is a list of Strings, comma separated [S, seed]; nothing limits the "
    "number of known names in it"
)
CHOICES = {}
RELEASE = "R9"

BUFFER = 128
PAGE = b"<html><body><h1>HTTP Status 500 - Internal Server Error</h1></body></html>"


class Crash(Exception):
    """A text does not fit into the buffer."""


class Server(StandIn):
    """A server that copies fields_set into a buffer of fixed size."""

    def answer(self, request: Request) -> Reply:
        """Run the method; a crash comes out as the container's own page."""
        try:
            return super().answer(request)
        except Crash:
            return Reply(500, "text/html;charset=utf-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and copy fields_set."""
        super().read_arguments(call)
        text = call.parameters.get("fields_set")
        if call.method in ("show", "list") and isinstance(text, str):
            self.copy_text(text)

    def copy_text(self, text: str) -> bytearray:
        """Return a buffer with a text in it."""
        buffer = bytearray(BUFFER)
        for position, byte in enumerate(text.encode("utf-8", "replace")):
            try:
                buffer[position] = byte
            except IndexError as error:
                raise Crash(text) from error
        return buffer
