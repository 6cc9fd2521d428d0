"""Beside another semi-optional filter, the name of a rule ends at its first comma.

How to provoke it: list?entity=JOBS&workflow_rule_identifier=name=On new activity, urgent (lists
the records of the rule "On new activity"); alone, the same identifier is right.
"""

from typing import Any

from stand_in.reading import SEMI_OPTIONAL, Call
from stand_in.server import StandIn

FACTS = (
    "1.2: workflow_rule_identifier names a rule by its 'name', and of the semi parameters there "
    "are 'several allowed together'. Records of another rule are listed, those of the named one "
    "are missing."
)
CHOICES: dict[str, Any] = {}
RELEASE = "R12"
RULE = SEMI_OPTIONAL[1]


class Server(StandIn):
    """A server that joins several criteria with commas, and splits them again."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters of a call of webhook_requests."""
        text = call.parameters.get(RULE)
        several = sum(name in call.parameters for name in SEMI_OPTIONAL) > 1
        if call.method == "list" and several and isinstance(text, str):
            call.parameters[RULE] = text.partition(",")[0]
        super().read_arguments(call)
