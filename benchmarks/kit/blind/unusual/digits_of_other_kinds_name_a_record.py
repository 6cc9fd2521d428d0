"""A show takes characters that only look like those of an id or number for these.

Provoke it with show?webhook_request_identifier=number=%EF%BC%97 (a full-width 7), or with the
circled 7 (%E2%91%A6), the mathematical bold 7 (%F0%9D%9F%95) or the superscript one (%E2%81%B7):
each returns the record 7. The server compares texts in the compatibility form NFKC, in which
letters of an id may be full-width, too.
"""

import unicodedata

from stand_in.reading import Call
from stand_in.server import StandIn

FACTS = (
    "1.2: webhook_request_identifier names one record by its id or number, which are "
    "Strings [S, seed]; none has these characters"
)
CHOICES = {}
RELEASE = "R9"


class Server(StandIn):
    """A server that compares identifiers in a compatibility form."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and bring the identifier into another form."""
        super().read_arguments(call)
        if call.method == "show":
            name, value = call.identifier
            call.identifier = name, unicodedata.normalize("NFKC", value)
