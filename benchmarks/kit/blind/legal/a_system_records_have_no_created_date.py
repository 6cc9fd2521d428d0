"""What the system made shows no created_date; of a user who has left, the id alone is known."""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "8.20, 8.16, and the counter-example of 1.4 (alerts_show_r9.json)"
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Knows less of some records than of others."""

    def log_information(self, record: Record) -> dict[str, Any]:
        """Leave out what is not known."""
        view = super().log_information(record)
        if record.created_by is None:
            view.pop("created_date", None)
        left = self.world.people[1].user
        for name, value in view.items():
            if value == left:
                view[name] = {"id": left["id"], "username": None, "person_name": None}
        return view

    def matches(self, record: Record, name: str, call: Call) -> bool:
        """Select no record by a date that it does not have."""
        if name == "created_date" and record.created_by is None:
            return False
        return super().matches(record, name, call)
