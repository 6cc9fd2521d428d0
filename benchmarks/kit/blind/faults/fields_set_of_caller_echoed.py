"""The field fields_set of a record is what the caller gave as the parameter of that name.

Breaks "fields_set: The fields set that was used by the webhook to send the information". It
shows where the parameter names the field fields_set.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "specification, Response Data: fields_set; 1.4 [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R13"


class Server(SoundServer):
    """Mixes up the parameter and the field."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        """Return all fields of a record."""
        view = super().view(record, call)
        if call.fields is not None:
            view["fields_set"] = ",".join(call.fields)
        return view
