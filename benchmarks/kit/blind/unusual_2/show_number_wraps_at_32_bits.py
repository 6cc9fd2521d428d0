"""show casts a number to 32 bits, so that a large one names a record with a small number.

How to provoke it: show?webhook_request_identifier=number=4294967297 (2^32 + 1: shows number 1),
number=18446744073709551623 (2^64 + 7: shows number 7).
"""

import re
from typing import Any

from stand_in.reading import Call
from stand_in.server import StandIn
from stand_in.world import Record

FACTS = (
    "1.2: 'exactly one of the two' fields names the record; 1.4: number is a 'String'. The record "
    "that is shown has another number than the identifier."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R12"


def wrapped(text: str) -> str:
    """Return a whole number as a cast of Java to int leaves it."""
    return str((int(text) + 2**31) % 2**32 - 2**31)


class Server(StandIn):
    """A server whose show keeps the last 32 bits of a number."""

    def names(self, record: Record, name: str, value: str, _call: Call) -> bool:
        """Return whether an identifier names a record."""
        if _call.method == "show" and name == "number" and re.fullmatch("[1-9][0-9]{8,60}", value):
            return record.number == wrapped(value)
        return super().names(record, name, value, _call)
