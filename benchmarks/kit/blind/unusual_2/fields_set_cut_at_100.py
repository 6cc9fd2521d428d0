"""A fields_set of show or list is cut after 100 characters; the fields behind them are missing.

How to provoke it: show with all fifteen names in fields_set, or list with any eleven or so.
"""

from typing import Any

from stand_in.reading import FIELDS, Call
from stand_in.server import StandIn

FACTS = (
    "1.2: fields_set is a 'list of strings, comma separated' without a length; methods: 'A "
    "comma-separated list of the fields that the results should have'. Named fields are missing."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R9"
LENGTH = 100


class Server(StandIn):
    """A server with a short buffer for fields_set."""

    def wanted_fields(self, _call: Call, names: list[str]) -> list[str]:
        """Return the names in fields_set."""
        text = ",".join(names)
        if _call.verb != "GET" or len(text) <= LENGTH:
            return super().wanted_fields(_call, names)
        return [name for name in text[:LENGTH].split(",") if name in FIELDS]
