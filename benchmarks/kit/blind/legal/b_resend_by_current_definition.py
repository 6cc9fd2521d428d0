"""All definitions have changed since; a resend takes their new URL, fields set and secret key."""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "8.23"  # whether the current definition or the stored one is used
CHOICES: dict[str, Any] = {
    "resend_url": "current",
    "resend_new_code": True,
    "resend_new_request": True,
}


class Server(SoundServer):
    """Makes a resent record tell of the message that was sent last, and keeps the older ones."""

    def set_up(self) -> None:
        """Move each definition to another URL, and let it send other fields."""
        super().set_up()
        self.sent_before_change = {record.id: record.sends for record in self.records.values()}
        for definition in self.world.definitions:
            definition.url = definition.url.replace("hooks.", "events.")

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        """Return all fields of a record, with the fields set that was used for it."""
        view = super().view(record, call)
        if self.sent_before_change.get(record.id) != record.sends:
            view["fields_set"] = "id,number,life_cycle_state"
        return view
