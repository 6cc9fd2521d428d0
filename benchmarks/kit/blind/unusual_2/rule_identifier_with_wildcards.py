"""The identifier of a rule is compared with LIKE: % and _ in it stand for anything.

How to provoke it: list?workflow_rule_identifier=name=%25 (all rules), alternative_code=R_ (R1),
name=On%25.
"""

import re
from typing import Any

from stand_in.reading import SEMI_OPTIONAL, Call
from stand_in.server import StandIn
from stand_in.world import Named

FACTS = (
    "1.2: workflow_rule_identifier is an 'object: `id` / `name` / `alternative_code`' that names "
    "one rule. No rule is called %, so each record that is listed has a rule of another name."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R9"
RULE = SEMI_OPTIONAL[1]


def like(own: str, pattern: str) -> bool:
    """Return whether SQL says that a text is like a pattern."""
    parts = (re.escape(each).replace("%", ".*").replace("_", ".") for each in pattern)
    return re.fullmatch("".join(parts), own, re.DOTALL) is not None


class Server(StandIn):
    """A server that forgot what LIKE does."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters of a call of webhook_requests."""
        text = call.parameters.get(RULE)
        found: list[Named] = []
        if call.method == "list" and isinstance(text, str):
            field, _, value = text.partition("=")
            if field in ("id", "name", "alternative_code") and re.search("[%_]", value):
                found = [rule for rule in self.world.rules if like(getattr(rule, field), value)]
        if found:
            call.parameters[RULE] = f"id={found[0].id}"
        super().read_arguments(call)
        if found:
            call.filters[RULE] = found
