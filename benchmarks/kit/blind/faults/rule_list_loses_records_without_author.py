"""A list by workflow rule has no record that nobody created.

Breaks list: "workflow_rule_identifier: The identifier of the workflow rule that triggered the
webhook requests that should be returned as a result". Lists by other filters have the records.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "specification, list: workflow_rule_identifier"
CHOICES: dict[str, Any] = {}
RELEASE = "R12"


class Server(SoundServer):
    """Joins the users to the records of a rule, and loses records where there is no user."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Return whether one filter selects a record."""
        lost = name == "workflow_rule_identifier" and record.created_by is None
        return not lost and super().matches(record, name, call)
