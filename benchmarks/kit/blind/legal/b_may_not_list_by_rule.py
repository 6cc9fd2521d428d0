"""The user may not see workflow rules, so lists by workflow rule are refused."""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import ERRORS, SoundServer

FACTS = "8.2"  # no permission
CHOICES: dict[str, Any] = {}

ERRORS.setdefault("filter_not_allowed", ("WORKFLOWRULES", "ACCESSDENIED", 403))


class Server(SoundServer):
    """Refuses one filter of list, alone or beside others, once it is rightly written."""

    def read_arguments(self, call: Call) -> None:
        """Refuse the filter by workflow rule."""
        super().read_arguments(call)
        if "workflow_rule_identifier" in call.filters:
            raise Refusal("filter_not_allowed", "The user has no access to workflow rules.")
