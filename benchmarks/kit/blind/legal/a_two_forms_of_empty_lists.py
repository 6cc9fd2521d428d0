"""A list has no data if the filters select nothing, and null data if its page is past the end."""

from typing import Any

from sound_server.reading import Call
from sound_server.server import Reply, SoundServer

FACTS = "8.9 (empty list: [], null or no data) and 8.11"
CHOICES = {"empty_list": "absent"}


class Server(SoundServer):
    """Finds nothing in two different ways, and says so."""

    def do_list(self, call: Call) -> Any:
        """Return null past the end."""
        rows = super().do_list(call)
        return rows if rows or not self.select(call) else None

    def success(self, call: Call, data: Any) -> Reply:
        """Remember whether a list is empty."""
        self.two_forms_empty = call.method == "list" and not data
        return super().success(call, data)

    def reply(self, http: int, envelope: Any) -> Reply:
        """Say in the message that there is nothing."""
        if self.two_forms_empty:
            self.two_forms_empty = False
            status = {**envelope["status"], "message": "No record found", "description": None}
            envelope = {**envelope, "status": status}
        return super().reply(http, envelope)

    def set_up(self) -> None:
        """Start with no empty list."""
        super().set_up()
        self.two_forms_empty = False
