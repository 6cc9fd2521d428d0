"""For 10 seconds a deleted record is in a trash bin, where it has errors of its own."""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import ERRORS, SoundServer
from sound_server.world import Record

FACTS = "8.22"  # second delete, and show after a delete
CHOICES: dict[str, Any] = {"delete_touches_log": True}

ERRORS.setdefault("in_trash", ("WEBHOOKS", "WEBHOOKREQUESTINTRASH", 410))


class Server(SoundServer):
    """Answers a second delete with OK while the record is in the bin, and later with an error."""

    def set_up(self) -> None:
        """Start with an empty bin."""
        super().set_up()
        self.trashed: dict[str, float] = {}  # id of a record → when it was deleted

    def remove(self, record: Record) -> None:
        """Put a record into the bin."""
        super().remove(record)
        self.trashed[record.id] = self.now

    def in_bin(self, record: Record) -> bool:
        """Return whether a deleted record is in the bin."""
        return self.now - self.trashed.get(record.id, 0.0) < 10

    def find(self, call: Call) -> Record:
        """Return the record that the identifier names, if need be from the bin."""
        try:
            return super().find(call)
        except Refusal:
            name, value = call.identifier
            for record in self.deleted.values():
                if getattr(record, name) == value and self.in_bin(record):
                    if call.method == "delete":
                        return record
                    raise Refusal("in_trash", "The webhook request was deleted.") from None
            raise
