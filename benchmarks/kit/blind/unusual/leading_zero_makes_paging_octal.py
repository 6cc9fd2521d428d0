"""A paging number with a leading zero is read as an octal number if it can be one.

Provoke it with list?entity=ACTIVITIES&offset=010, which skips 8 records instead of 10, or
number_of_results=017, which returns up to 15; 08 and 019 are decimal, as they have digits that no
octal number has, and 01 to 07 are the same in both ways.
"""

import re

from stand_in.reading import Call
from stand_in.server import StandIn

FACTS = (
    "1.2: offset is the number of records to skip [S]; whether 010 is a number is open "
    "(8.11), but in no reading is it 8"
)
CHOICES = {}
RELEASE = "R13"


class Server(StandIn):
    """A server that reads numbers as C and Java's Integer.decode do."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and the paging numbers again."""
        super().read_arguments(call)
        if call.method == "list" and self.key >= (13, 0):
            limit = self.octal(call, "number_of_results")
            skip = self.octal(call, "offset")
            if limit is not None and call.limit is not None:
                call.limit = min(call.limit, limit)
            if skip is not None:
                call.skip = skip

    def octal(self, call: Call, name: str) -> int | None:
        """Return a parameter that is an octal number."""
        text = str(call.parameters.get(name))
        return int(text, 8) if re.fullmatch("0[0-7]{1,40}", text) else None
