"""The user may only read: resend and delete are refused, whatever their parameters are."""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import ERRORS, SoundServer

FACTS = "8.1, 8.2, 8.4"  # HTTP status, no permission, order of checks
CHOICES: dict[str, Any] = {"error_http": "by_kind"}

ERRORS.setdefault("read_only", ("SECURITY", "READONLYUSER", 403))


class Server(SoundServer):
    """Refuses what changes a record before it reads the identifier."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters of show and list only."""
        if call.method in ("resend", "delete"):
            raise Refusal("read_only", "The user may only read webhook requests.")
        super().read_arguments(call)
