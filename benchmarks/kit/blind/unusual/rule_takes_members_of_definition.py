"""A list by rule shows the definition as the rule, if fields_set names both in a row.

Provoke it with list?workflow_rule_identifier=alternative_code=R1&fields_set= and
number,webhook_definition,workflow_rule: workflow_rule has the id, name and alternative code of
the webhook definition. With another name between the two, in the other order, in show, or without
workflow_rule_identifier, it is right.
"""

from typing import Any

from stand_in.reading import Call
from stand_in.server import StandIn
from stand_in.world import Record

FACTS = (
    "1.4: workflow_rule is the rule that triggered the webhook request [S, seed], in list as "
    "in show"
)
CHOICES = {}
RELEASE = "R9"


class Server(StandIn):
    """A server that gives two joined tables the same alias."""

    def trimmed(self, record: Record, call: Call) -> dict[str, Any]:
        """Return the fields of a record that a call asks for."""
        picked = super().trimmed(record, call)
        if "workflow_rule_identifier" in call.filters and self.has_both_in_a_row(call):
            picked = {**picked, "workflow_rule": picked["webhook_definition"]}
        return picked

    def has_both_in_a_row(self, call: Call) -> bool:
        """Return whether fields_set names the definition, and the rule next."""
        names = call.fields or []
        return ("webhook_definition", "workflow_rule") in zip(names, names[1:], strict=False)
