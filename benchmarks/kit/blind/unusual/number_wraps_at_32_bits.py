"""A show by a number of 2 to the power of 32 or more finds the record with its lower 32 bits.

Provoke it with show?webhook_request_identifier=number=4294967303, which is 2**32 + 7 and returns
the record 7; so do 8589934599 and 18446744073709551623. Numbers with leading zeros or signs are
compared as they are.
"""

import re

from stand_in.reading import Call
from stand_in.server import StandIn
from stand_in.world import Record

FACTS = (
    "1.2: webhook_request_identifier names one record by its id or number [S, seed]; no "
    "record has this number"
)
CHOICES = {}
RELEASE = "R9"

WRAP = 2**32


class Server(StandIn):
    """A server that keeps numbers in 32 bits."""

    def names(self, record: Record, name: str, value: str, call: Call) -> bool:
        """Return whether an identifier names a record."""
        if super().names(record, name, value, call):
            return True
        return call.method == "show" and name == "number" and self.wraps_to(value, record.number)

    def wraps_to(self, value: str, number: str) -> bool:
        """Return whether the lower bits of a value are those of a number."""
        if not re.fullmatch("[1-9][0-9]{9,99}", value) or not re.fullmatch("[0-9]{1,9}", number):
            return False
        return int(value) >= WRAP and int(value) % WRAP == int(number)
