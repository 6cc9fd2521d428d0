"""offset and number_of_results are added in 32 bits: where that overflows, the page is empty.

How to provoke it: list?entity=JOBS&number_of_results=2147483647&offset=1,
number_of_results=2147483648 (alone).
"""

from typing import Any

from stand_in.reading import Call
from stand_in.server import StandIn
from stand_in.world import Record

FACTS = (
    "1.2: 'number_of_results | Number' and 'records to skip, 0 = skip none'. There are records "
    "behind those skipped, and a success without any hides them; a maximum (8.11) would leave "
    "some, and a refusal would be an error."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R15"


class Server(StandIn):
    """A server that computes the end of a page as an int."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        """Return the page that a call asks for."""
        if call.limit is None:
            return super().page(found, call)
        end = (call.skip + call.limit + 2**31) % 2**32 - 2**31
        return found[call.skip : max(end, call.skip)]
