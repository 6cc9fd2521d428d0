"""The user may resend only records that they created or that nobody is named for."""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import ERRORS, SoundServer

FACTS = "8.2"  # no permission
CHOICES: dict[str, Any] = {}

ERRORS.setdefault("not_the_owner", ("SECURITY", "NOTTHEOWNER", 403))


class Server(SoundServer):
    """Refuses the resend of a rejected record that another user created."""

    def do_resend(self, call: Call) -> Any:
        """Resend a record of the user's own; that it is not rejected is said first."""
        record = self.find(call)
        others = record.created_by not in (None, self.world.people[0])
        if others and self.may_resend(record, call):
            raise Refusal("not_the_owner", "This webhook request belongs to another user.")
        return super().do_resend(call)
