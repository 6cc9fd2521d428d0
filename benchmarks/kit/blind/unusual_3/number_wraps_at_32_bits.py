"""A number above 2,147,483,647 is narrowed to 32 bits, and so names the record of a small one.

How to provoke it: show with
    webhook_request_identifier=number=4294967303 (2**32 + 7): record 7 is returned; likewise
    12884901890 (3 * 2**32 + 2), which names record 2.
"""

import re
from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = (
    "section 1.2: the identifier names a record by its 'number' (semi, String) - another record "
    "is returned than the one of that number, which does not exist"
)
CHOICES: dict[str, Any] = {}
RELEASE = "R9"


class Server(SoundServer):
    """Reads a number as a long, and looks it up as an int."""

    def names(self, record: Record, name: str, value: str, call: Call) -> bool:
        """Return whether an identifier names a record, numbers by the narrow column."""
        if call.method == "show" and name == "number" and re.fullmatch("[1-9][0-9]{9,17}", value):
            value = str((int(value) + 2**31) % 2**32 - 2**31)  # (int) Long.parseLong(value)
        return super().names(record, name, value, call)
