"""The user has access to some entities; records of the others do not exist for them."""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "8.2"  # no permission
CHOICES: dict[str, Any] = {}

VISIBLE = ("ACTIVITIES", "SUBSCRIPTIONS", "CONTACTINFORMATION", "PAYMENTS", "WALLETS")


class Server(SoundServer):
    """Hides the records of most entities from each method; a list by one of them is empty."""

    def find(self, call: Call) -> Record:
        """Return the record that the identifier names, if the user sees it."""
        record = super().find(call)
        if record.entity not in VISIBLE:
            name, value = call.identifier
            raise Refusal("unknown_record", f"No webhook request has {name} {value}.")
        return record

    def selected(self, record: Record, call: Call) -> bool:
        """Return whether all filters select a record that the user sees."""
        return record.entity in VISIBLE and super().selected(record, call)
