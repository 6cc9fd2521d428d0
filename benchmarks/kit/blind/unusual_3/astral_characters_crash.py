"""A character outside the Basic Multilingual Plane crashes the database, which has utf8mb3.

How to provoke it: list with
    entity_id=%F0%9F%98%80, or entity=JOBS&url=http://example.com/%F0%9F%9A%80; show with
    webhook_request_identifier=number=%F0%9D%9F%95 (a mathematical digit).
"""

from typing import Any

from sound_server.reading import IDENTIFIER, Call, Request
from sound_server.server import Reply, SoundServer

FACTS = (
    "section 3: 'every response, errors included, is JSON' - this one is a page of HTML; "
    "section 1.2: entity_id, url, id and number are of type String, without a limit to it"
)
CHOICES: dict[str, Any] = {}
RELEASE = "R12"

#: What the servlet container shows for an exception that nobody caught.
PAGE = b"<html><body><h1>HTTP Status 500</h1></body></html>"

#: The parameters that a statement compares with columns of free text.
BOUND = (IDENTIFIER, "entity_id", "url")


def bind(text: str) -> bytes:
    """Return a text in the character set of the connection, of three bytes at most."""
    for position, letter in enumerate(text):
        if ord(letter) > 0xFFFF:
            raise UnicodeEncodeError("utf8mb3", text, position, position + 1, "4 bytes")
    return text.encode()


class Server(SoundServer):
    """Keeps its texts in a database of three-byte UTF-8."""

    def answer(self, request: Request) -> Reply:
        """Answer a request, with the container's error page if an exception gets through."""
        try:
            return super().answer(request)
        except UnicodeEncodeError:
            return Reply(500, "text/html;charset=UTF-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and bind those that are texts to the statement."""
        super().read_arguments(call)
        if call.method in ("show", "list"):
            for name in BOUND:
                bind(str(call.parameters.get(name, "")))
