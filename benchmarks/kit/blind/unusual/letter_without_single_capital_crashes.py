"""A list crashes if an entity id or identifier has a letter whose capital form is two letters.

Provoke it with list?entity_id=Stra%C3%9Fe: the capital form of the sharp s is SS. Ligatures such
as %EF%AC%81 (fi), the letter %C5%89 (n with an apostrophe before it), %C7%B0 (j with caron) and
some hundred others do it, too. The server compares each text with its capital form, letter by
letter.
"""

from stand_in.reading import Call, Request
from stand_in.server import Reply, StandIn

FACTS = (
    "1.2: list takes any String as entity_id [S, seed]; 3: 'every response, errors "
    "included, is JSON [S]'"
)
CHOICES = {}
RELEASE = "R9"

NAMES = ("entity_id", "webhook_definition_identifier", "workflow_rule_identifier")
PAGE = b"<html><body><h1>HTTP Status 500 - Internal Server Error</h1></body></html>"


class Crash(Exception):
    """Two texts have different lengths."""


class Server(StandIn):
    """A server that goes through a text and its capital form side by side."""

    def answer(self, request: Request) -> Reply:
        """Run the method; a crash comes out as the container's own page."""
        try:
            return super().answer(request)
        except Crash:
            return Reply(500, "text/html;charset=utf-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Count the capitals of some parameters, then read all."""
        if call.method == "list":
            for name in NAMES:
                value = call.parameters.get(name)
                if isinstance(value, str):
                    self.count_capitals(value)
        super().read_arguments(call)

    def count_capitals(self, text: str) -> int:
        """Return how many letters are capitals."""
        try:
            return sum(a == b for a, b in zip(text, text.upper(), strict=True))
        except ValueError as error:
            raise Crash(text) from error
