"""An emoji in a rule's identifier makes the search for it fail, and the filter is left out then.

How to provoke it: list?workflow_rule_identifier=name=%F0%9F%98%80 (everything is listed), or with
entity=JOBS beside it (all jobs).
"""

from typing import Any

from stand_in.reading import SEMI_OPTIONAL, Call
from stand_in.server import StandIn

FACTS = (
    "1.2: workflow_rule_identifier names a rule by 'id', 'name' or 'alternative_code'. 8.9 leaves "
    "open an error or an empty list for an unknown rule, not the records of all rules."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R18"
RULE = SEMI_OPTIONAL[1]


class Server(StandIn):
    """A server that swallows the exception of a database with three bytes for a character."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters of a call of webhook_requests."""
        text = call.parameters.get(RULE)
        given = text if call.method == "list" and isinstance(text, str) else ""
        fails = max(given, default="") > "\uffff"
        if fails:
            call.parameters[RULE] = f"id={self.world.rules[0].id}"
        super().read_arguments(call)
        if fails:
            call.filters[RULE] = [*self.world.rules, None]
