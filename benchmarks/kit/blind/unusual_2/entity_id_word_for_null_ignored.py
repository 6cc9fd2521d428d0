"""An entity_id that a script takes for nothing (0, null, undefined, false ...) is no filter.

How to provoke it: list?entity=JOBS&entity_id=0 (all jobs), entity_id=null, entity_id=undefined.
"""

from typing import Any

from stand_in.reading import Call
from stand_in.server import StandIn
from stand_in.world import Record

FACTS = (
    "1.2: 'entity_id | String | semi'; methods: 'The ID of the entity that the webhook request is "
    "about.' Nothing has the id 0 or null, and yet records with other entity ids are listed."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R12"
NOTHING = {"0", "00", "0.0", "-0", "null", "nil", "none", "undefined", "false", "nan", "n/a"}


class Server(StandIn):
    """A server with a gateway in a language that knows many kinds of nothing."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record."""
        if name == "entity_id" and call.filters[name][0].strip().lower() in NOTHING | {""}:
            return True
        return super().matches(record, name, call)
