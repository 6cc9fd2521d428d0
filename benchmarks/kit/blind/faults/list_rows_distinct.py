"""A list with fields_set gives equal rows only once, so that records are missing.

Breaks list: "Multiple webhook requests are returned by each call" and "fields_set: A list of
fields that should be included in the results": it changes the fields, not the records.
"""

import json
from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer

FACTS = "specification, list: fields_set"
CHOICES: dict[str, Any] = {}
RELEASE = "R9"


class Server(SoundServer):
    """Selects the wanted columns with DISTINCT."""

    def do_list(self, call: Call) -> Any:
        """Return the rows of a list, equal ones once."""
        rows = super().do_list(call)
        if call.fields is None:
            return rows
        return [*{json.dumps(row, sort_keys=True): row for row in rows}.values()]
