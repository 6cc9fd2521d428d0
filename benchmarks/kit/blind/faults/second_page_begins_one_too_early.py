"""Each page after the first begins with the last record of the page before.

Breaks 1.2: offset is the number of records to skip, 0 = skip none. With both number_of_results
and offset it skips one record fewer; with offset alone it skips right.
"""

from dataclasses import replace
from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "1.2: offset: records to skip, 0 = skip none"
CHOICES: dict[str, Any] = {}
RELEASE = "R13"


class Server(SoundServer):
    """Counts records from 1 when it pages."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        """Return the page that a call asks for, or almost."""
        early = call.skip > 0 and call.limit is not None
        return super().page(found, replace(call, skip=call.skip - 1) if early else call)
