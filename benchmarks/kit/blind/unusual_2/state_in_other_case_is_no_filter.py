"""A life_cycle_state in small letters or with blanks passes the check, but selects everything.

How to provoke it: list?entity=JOBS&life_cycle_state=rejected (lists SUCCESSFUL ones, too),
life_cycle_state=Successful, life_cycle_state=REJECTED%20.
"""

from typing import Any

from stand_in.reading import Call
from stand_in.server import StandIn
from stand_in.world import REJECTED, SUCCESSFUL

FACTS = (
    "1.2: 'life_cycle_state | String: `SUCCESSFUL` or `REJECTED`'. 8.6 leaves open whether "
    "another case is known or an error; records of the other state match in neither reading."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R18"
STATES = (SUCCESSFUL, REJECTED)


class Server(StandIn):
    """A server that checks a state in any case, and looks it up in one."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters of a call of webhook_requests."""
        text = call.parameters.get("life_cycle_state")
        given = text if call.method == "list" and isinstance(text, str) else ""
        if given not in STATES and given.strip().upper() in STATES:
            del call.parameters["life_cycle_state"]
        super().read_arguments(call)
