"""The end of a page, offset plus number_of_results, is an integer of 32 bits that overflows.

How to provoke it: list with
    entity=ACTIVITIES&offset=1&number_of_results=2147483647: the page is empty. With offset=0 it
    is right.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = (
    "section 1.2: offset is 'records to skip' - with one of several records skipped and room for "
    "billions, all others must come; they are missing"
)
CHOICES: dict[str, Any] = {}
RELEASE = "R15"


class Server(SoundServer):
    """Adds offset and number_of_results in 32 bits."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        """Return the page that a call asks for, up to the end that overflows."""
        if call.limit is None:
            return super().page(found, call)
        end = (call.skip + call.limit + 2**31) % 2**32 - 2**31
        return found[call.skip : max(end, 0)]
