"""A fields_set with entity brings entity_id, too.

Breaks "fields_set: A list of fields that should be included in the results": a field that is not
named is included. Names are compared by their beginning.
"""

from typing import Any

from sound_server.reading import FIELDS, Call
from sound_server.server import SoundServer

FACTS = "specification, show and list: fields_set"
CHOICES: dict[str, Any] = {}
RELEASE = "R15"


class Server(SoundServer):
    """Takes a name for all fields that begin with it and an underscore."""

    def wanted_fields(self, call: Call, names: list[str]) -> list[str]:
        """Return the names in fields_set and what begins with them."""
        wanted = super().wanted_fields(call, names)
        more = [each for each in FIELDS if any(each.startswith(f"{name}_") for name in wanted)]
        return wanted + [each for each in more if each not in wanted]
