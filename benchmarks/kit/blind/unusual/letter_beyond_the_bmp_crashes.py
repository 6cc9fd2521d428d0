"""A show or list crashes if the value of a parameter has a character beyond U+FFFF.

Provoke it with list?entity=ACTIVITIES&entity_id=%F0%9F%99%82 (a smiling face), or with
show?webhook_request_identifier=id=%F0%90%8D%88 (a Gothic letter). The server writes each query
into a table of its own, whose columns take three bytes a character.
"""

from stand_in.reading import Call, Request
from stand_in.server import Reply, StandIn

FACTS = (
    "1.2: list takes any String as entity_id [S]; 3: 'every response, errors included, is JSON [S]'"
)
CHOICES = {}
RELEASE = "R9"

PAGE = b"<html><body><h1>HTTP Status 500 - Internal Server Error</h1></body></html>"


class Crash(Exception):
    """A character has more bytes than the column takes."""


class Server(StandIn):
    """A server that keeps queries in columns of three bytes a character."""

    def answer(self, request: Request) -> Reply:
        """Run the method; a crash comes out as the container's own page."""
        try:
            return super().answer(request)
        except Crash:
            return Reply(500, "text/html;charset=utf-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Keep the query, then read it."""
        if call.method in ("show", "list"):
            for name, value in call.parameters.items():
                if name != "token" and isinstance(value, str):
                    self.keep_text(value)
        super().read_arguments(call)

    def keep_text(self, text: str) -> None:
        """Write a text into the column."""
        for character in text:
            if len(character.encode("utf-8", "replace")) > 3:
                raise Crash(character)
