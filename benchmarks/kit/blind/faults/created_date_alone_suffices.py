"""A list with created_date needs none of the semi-optional parameters.

Breaks list: "It is mandatory to specify at least one of the semi-optional parameters"
(created_date is an optional one). With url or life_cycle_state alone it refuses.
"""

from typing import Any

from sound_server.reading import SEMI_OPTIONAL, Call
from sound_server.server import SoundServer

FACTS = "specification, list, Restrictions; 1.2: list with only created_date violates the rule [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R9"


class Server(SoundServer):
    """Counts created_date among the parameters of which one is mandatory."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, as if an entity were given where only a date is."""
        given = [name for name, value in call.parameters.items() if value is not None]
        if call.method != "list" or "created_date" not in given or {*SEMI_OPTIONAL} & {*given}:
            super().read_arguments(call)
            return
        call.parameters = {**call.parameters, "entity": "ACTIVITIES"}
        super().read_arguments(call)
        del call.filters["entity"]
