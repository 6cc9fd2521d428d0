"""The name or code of a definition is brought to a compatibility form (NFKC) before the search.

How to provoke it: list?webhook_definition_identifier=alternative_code=AF%C2%B2 (AF and a
superscript two: lists AF2), alternative_code=%EF%BC%A1%EF%BC%A6 (full-width AF),
name=Activity%C2%A0feed (a no-break space).
"""

import unicodedata
from typing import Any

from stand_in.reading import SEMI_OPTIONAL, Call
from stand_in.server import StandIn

FACTS = (
    "1.2: webhook_definition_identifier names a definition by 'id', 'name' or 'alternative_code'; "
    "5: both are 'unique'. No definition has the code that was sent: records of one with another "
    "code do not match."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R15"


class Server(StandIn):
    """A server that takes alike characters for the same."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters of a call of webhook_requests."""
        name = SEMI_OPTIONAL[0]
        text = call.parameters.get(name)
        if call.method == "list" and isinstance(text, str):
            field, equals, value = text.partition("=")
            call.parameters[name] = f"{field}{equals}{unicodedata.normalize('NFKC', value)}"
        super().read_arguments(call)
