"""An identifier of show and the entity_id of list end at a null character.

Provoke it with show?webhook_request_identifier=number=7%00x, which returns the record 7, or with
list?entity_id=A_1%00%25, which returns the records of A_1. No record has such a number or entity
id. A value that begins with a null character is compared as a whole.
"""

from stand_in.reading import Call
from stand_in.server import StandIn

FACTS = (
    "1.2: webhook_request_identifier names one record by its id or number; entity_id "
    "selects the records with that ID [S, seed]"
)
CHOICES = {}
RELEASE = "R9"


class Server(StandIn):
    """A server that hands texts to a library of C."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, then cut two of them."""
        super().read_arguments(call)
        if call.method == "show":
            name, value = call.identifier
            call.identifier = name, self.cut_at_null(value)
        if "entity_id" in call.filters:
            call.filters["entity_id"] = [self.cut_at_null(v) for v in call.filters["entity_id"]]

    def cut_at_null(self, text: str) -> str:
        """Return a text as a library of C sees it."""
        return text.partition("\0")[0] or text
