"""A resend that is refused, as the record is SUCCESSFUL, still sets updated_date and its user.

Breaks resend: "This method is applicable only on rejected webhook requests", and 2.3:
updated_date, updated_by_user [S]: nothing was updated.
"""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import SoundServer

FACTS = "specification, resend: applicable only on rejected webhook requests; 2.3 [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R18"


class Server(SoundServer):
    """Saves a record before it looks at its state."""

    def do_resend(self, call: Call) -> Any:
        """Send a rejected record again, and keep any other as changed."""
        try:
            return super().do_resend(call)
        except Refusal as refusal:
            if refusal.kind == "not_rejected":
                self.touch(self.find(call))
            raise
