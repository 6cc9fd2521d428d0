"""show reads a number with a leading zero as Java's Integer.decode does: as an octal one.

How to provoke it: show?webhook_request_identifier=number=010 (shows number 8), number=007 (shows
7), number=0x10 (shows 16).
"""

from typing import Any

from stand_in.reading import Call
from stand_in.server import StandIn
from stand_in.world import Record

FACTS = (
    "1.4: 'quoted digits in examples' and 'String'; 1.2: 'exactly one of the two'. A number is a "
    "text, so 010 names no record (an error) and never the record with number 8."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R9"


def decoded(text: str) -> str:
    """Return a number as Integer.decode reads it."""
    base = 16 if text[:2] in ("0x", "0X") else 8
    try:
        return str(int(text[2:] if base == 16 else text, base))
    except ValueError:
        return text


class Server(StandIn):
    """A server whose show decodes what begins with zero."""

    def names(self, record: Record, name: str, value: str, _call: Call) -> bool:
        """Return whether an identifier names a record."""
        if _call.method == "show" and name == "number" and value[:1] == "0" and value.isascii():
            return record.number == decoded(value)
        return super().names(record, name, value, _call)
