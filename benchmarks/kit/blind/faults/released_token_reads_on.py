"""A released token is still good for show and list, though no longer for resend and delete.

Breaks section 4: POST authentication/token/release (R10.0.0, deprecated from R12.0.0 [S]) ends
the token. What release does from R12 on is open, so there it does what it should.
"""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import SoundServer

FACTS = "section 4: authentication/token/release R10.0.0 [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R10"


class Server(SoundServer):
    """Does not ask for released tokens where it only reads."""

    def check_token(self, token: Any, call: Call) -> None:
        """Refuse a token that is not live, but none that was released if the call only reads."""
        try:
            super().check_token(token, call)
        except Refusal as refusal:
            if refusal.kind != "released_token" or call.verb != "GET" or self.key >= (12, 0):
                raise
