"""A show has created_by_user and updated_by_user in each other's place.

Breaks 2.3: created_by_user, updated_by_user [S]. It shows where the two are not the same, as
after the resend of a record that somebody else, or nobody, created.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "2.3: created_by_user, updated_by_user [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R12"


class Server(SoundServer):
    """Mixes up the two users."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        """Return all fields of a record, for show with the users swapped."""
        view = super().view(record, call)
        if call.method == "show":
            log = dict(view["log_information"])
            users = log["created_by_user"], log["updated_by_user"]
            log["updated_by_user"], log["created_by_user"] = users
            view["log_information"] = log
        return view
