"""The user may only read: resend and delete are refused, whatever their parameters are."""

from typing import Any

from stand_in.reading import Call, Refusal
from stand_in.server import ERRORS, StandIn

FACTS = "8.1, 8.2, 8.4"  # HTTP status, no permission, order of checks
CHOICES: dict[str, Any] = {"error_http": "by_kind"}

ERRORS.setdefault("read_only", ("SECURITY", "READONLYUSER", 403))


class Server(StandIn):
    """Refuses what changes a record before it reads the identifier."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters of show and list only."""
        if call.method in ("resend", "delete"):
            raise Refusal("read_only", "The user may only read webhook requests.")
        super().read_arguments(call)
