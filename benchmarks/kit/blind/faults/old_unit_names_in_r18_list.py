"""A list of R18 has created_by_unit and updated_by_unit in log_information, as before R18.

Breaks 2.3: R18.0.0 replaces the two unit fields by created_by_business_unit and
updated_by_business_unit [S]. Show, resend and delete have the new names.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "2.3: R18.0.0 replaces the two unit fields [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R18"


class Server(SoundServer):
    """Has not changed its list for R18."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        """Return all fields of a record, in a list with the old names of units."""
        view = super().view(record, call)
        if call.method == "list":
            log = view["log_information"]
            names = {name: name.replace("_business_unit", "_unit") for name in log}
            view["log_information"] = {names[name]: value for name, value in log.items()}
        return view
