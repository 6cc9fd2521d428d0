"""created_date is read with the pattern hh, in which the hour 12 is the one after midnight.

How to provoke it: list with
    entity=<that of a record>&created_date=<its created_date, if that has the hour 12>, such as
    2016-10-12T12:40:11: the record is missing. All other hours are read right.
"""

import re
from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer

FACTS = (
    "section 1.2: created_date of list is a 'Date (one value; there is no from/to pair)': "
    "a record with exactly the created_date that was asked for is missing"
)
CHOICES: dict[str, Any] = {"created_date_meaning": "exact"}
RELEASE = "R9"


class Server(SoundServer):
    """Reads the hours of a date as those of a clock face, leniently above 12."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, created_date with a lenient pattern of twelve hours."""
        text = call.parameters.get("created_date")
        if call.method == "list" and isinstance(text, str):
            call.parameters["created_date"] = re.sub(r"(?<=\dT)12(?=:\d\d:\d\d)", "00", text)
        super().read_arguments(call)
