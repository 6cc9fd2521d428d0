"""Parsed filters are cached by 191 characters of a request, which a long fields_set uses up.

How to provoke it: list with
    entity=ACTIVITIES&fields_set=<all 15 names>&life_cycle_state=REJECTED, and then the same with
    SUCCESSFUL: it returns the rejected records again. So it goes with url and identifiers, too.
"""

from typing import Any

from sound_server.reading import OPTIONAL, SEMI_OPTIONAL, Call
from sound_server.server import SoundServer

FACTS = (
    "section 1.2: life_cycle_state is a filter of list, 'SUCCESSFUL or REJECTED', and fields_set "
    "none - records are returned that do not match the filter"
)
CHOICES: dict[str, Any] = {}
RELEASE = "R18"

KEY_LENGTH = 191  # as an index of utf8mb4 has it
#: What makes one statement differ from another; paging is bound to it each time.
KEYED = sorted((*SEMI_OPTIONAL, *OPTIONAL, "fields_set"))


class Server(SoundServer):
    """Caches what filters were read as."""

    def set_up(self) -> None:
        """Begin with an empty cache."""
        self.statements: dict[str, dict[str, Any]] = {}

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and reuse the statement of an equal request."""
        super().read_arguments(call)
        if call.method == "list":
            given = [f"{n}={call.parameters[n]}" for n in KEYED if n in call.parameters]
            call.filters = self.statements.setdefault(";".join(given)[:KEY_LENGTH], call.filters)
