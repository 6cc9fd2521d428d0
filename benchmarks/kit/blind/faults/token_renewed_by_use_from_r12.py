"""From R12 on a token lives for two hours after its last use, not after the login.

Breaks section 4: "R12.0.0 on: two hours fixed, used or not" [S].
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer

FACTS = "section 4: R12.0.0 on: two hours fixed, used or not [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R12"


class Server(SoundServer):
    """Begins the two hours anew at each use."""

    def check_token(self, token: Any, call: Call) -> None:
        """Refuse a token that is not live, and renew one that is."""
        super().check_token(token, call)
        if self.key >= (12, 0) and token in self.tokens.known:
            self.tokens.known[token].issued = self.now
