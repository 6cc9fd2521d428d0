"""A show without fields_set gives what an earlier show with fields_set gave for the record.

Breaks show: "fields_set: ... If not specified then all the available fields will be returned".
A cache has the record as its key, but not the wanted fields; a resend or delete empties it.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "specification, show: fields_set"
CHOICES: dict[str, Any] = {}
RELEASE = "R12"


class Server(SoundServer):
    """Keeps the response of a show with fields_set."""

    def set_up(self) -> None:
        """Make the cache."""
        super().set_up()
        self.shown_in_part: dict[str, Any] = {}

    def do_show(self, call: Call) -> Any:
        """Return one record, or what is kept of it."""
        data = super().do_show(call)
        record = self.find(call)
        if call.fields is not None:
            self.shown_in_part[record.id] = data
        return self.shown_in_part.get(record.id, data)

    def send_again(self, record: Record) -> None:
        """Send a record, and forget what was shown of it."""
        super().send_again(record)
        self.shown_in_part.pop(record.id, None)

    def remove(self, record: Record) -> None:
        """Take a record out of the world, and forget what was shown of it."""
        super().remove(record)
        self.shown_in_part.pop(record.id, None)
