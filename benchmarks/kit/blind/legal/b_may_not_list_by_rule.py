"""The user may not see workflow rules, so lists by workflow rule are refused."""

from typing import Any

from stand_in.reading import Call, Refusal
from stand_in.server import ERRORS, StandIn

FACTS = "8.2"  # no permission
CHOICES: dict[str, Any] = {}

ERRORS.setdefault("filter_not_allowed", ("WORKFLOWRULES", "ACCESSDENIED", 403))


class Server(StandIn):
    """Refuses one filter of list, alone or beside others, once it is rightly written."""

    def read_arguments(self, call: Call) -> None:
        """Refuse the filter by workflow rule."""
        super().read_arguments(call)
        if "workflow_rule_identifier" in call.filters:
            raise Refusal("filter_not_allowed", "The user has no access to workflow rules.")
