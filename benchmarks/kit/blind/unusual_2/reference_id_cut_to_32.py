"""An id of a definition or rule in list is cut to 32 characters without a word.

How to provoke it: list?webhook_definition_identifier=id=(an id that exists, and more behind it),
or the same with workflow_rule_identifier.
"""

from typing import Any

from stand_in.reading import SEMI_OPTIONAL, Call
from stand_in.server import StandIn

FACTS = (
    "1.2: webhook_definition_identifier is an 'object: `id` / `name` / `alternative_code`'; 2.7: "
    "ids are texts, 'Never validate the id pattern'. No definition has the longer id, so records "
    "of the definition with the shorter one do not match the filter."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R9"
COLUMN = 32


class Server(StandIn):
    """A server that casts ids to CHAR(32)."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters of a call of webhook_requests."""
        for name in SEMI_OPTIONAL[:2]:
            text = call.parameters.get(name)
            if call.method == "list" and isinstance(text, str):
                field, equals, value = text.partition("=")
                value = value[:COLUMN] if field == "id" else value
                call.parameters[name] = f"{field}{equals}{value}"
        super().read_arguments(call)
