"""A record that a resend has made SUCCESSFUL can be sent again.

Breaks resend: "This method is applicable only on rejected webhook requests". Records that were
SUCCESSFUL from the start are refused as they should be.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "specification, resend: applicable only on rejected webhook requests"
CHOICES: dict[str, Any] = {}
RELEASE = "R9"


class Server(SoundServer):
    """Asks whether a record was rejected once, not whether it is now."""

    def may_resend(self, record: Record, call: Call) -> bool:
        """Return whether a record was ever rejected."""
        return super().may_resend(record, call) or record.sends > 1
