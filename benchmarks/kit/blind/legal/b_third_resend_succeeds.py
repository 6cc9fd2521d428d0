"""The receiver refuses the first two resends of a record, which are answered with an error."""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import SoundServer

FACTS = "8.23"  # result when the second attempt fails
CHOICES: dict[str, Any] = {"resend_failure": "error"}


class Server(SoundServer):
    """Rolls a failed resend back, so the record stays as it was; the third one succeeds."""

    def set_up(self) -> None:
        """Start without resends."""
        super().set_up()
        self.refused_resends: dict[str, int] = {}

    def do_resend(self, call: Call) -> Any:
        """Send a record again, two times of three in vain."""
        record = self.find(call)
        if self.may_resend(record, call):
            refused = self.refused_resends.pop(record.id, 0)
            if refused < 2:
                self.refused_resends[record.id] = refused + 1
                raise Refusal("send_failed", "The receiver did not take the webhook request.")
        return super().do_resend(call)
