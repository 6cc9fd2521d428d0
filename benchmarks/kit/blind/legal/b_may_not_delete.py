"""The user lacks the permission to delete, and each delete is refused with a code of its own."""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import ERRORS, SoundServer

FACTS = "8.2"  # no permission
CHOICES: dict[str, Any] = {}

ERRORS.setdefault("no_permission", ("SECURITY", "NOPERMISSION", 403))


class Server(SoundServer):
    """Refuses deletes before it looks for the record, and lets the user do all the rest."""

    def do_delete(self, call: Call) -> Any:
        """Refuse to delete."""
        raise Refusal("no_permission", f"The user may not {call.method} webhook requests.")
