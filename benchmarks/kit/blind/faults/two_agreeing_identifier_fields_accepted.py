"""Resend and delete take an identifier with both id and number if both name the same record.

Breaks resend and delete: "Only one of those parameters is allowed to be specified". Two fields
that name different records are refused.
"""

from typing import Any

from sound_server.reading import IDENTIFIER, Call
from sound_server.server import SoundServer

FACTS = "specification, Restrictions: only one of those parameters is allowed"
CHOICES: dict[str, Any] = {}
RELEASE = "R9"


class Server(SoundServer):
    """Does not mind an identifier that says the same thing twice."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, without a number that says the same as the id."""
        given = call.parameters.get(IDENTIFIER)
        if isinstance(given, dict) and set(given) == {"id", "number"}:
            pair = (given["id"], given["number"])
            if any(pair == (each.id, each.number) for each in self.records.values()):
                call.parameters = {**call.parameters, IDENTIFIER: {"id": given["id"]}}
        super().read_arguments(call)
