"""From R12 on a token with a wrong signature is accepted if its claims can be read.

Breaks "token: The token retrieved from the login method": another token than that works, such as
one whose last letters were changed. Tokens that are no JWT are refused.
"""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import SoundServer

FACTS = "specification: token; section 4: from R12 a JWT, alg=HS256 [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R15"


class Server(SoundServer):
    """Reads the claims of a token it does not know, and believes them."""

    def check_token(self, token: Any, call: Call) -> None:
        """Refuse a token that is not live and does not say that it is."""
        try:
            super().check_token(token, call)
        except Refusal as refusal:
            unknown = refusal.kind == "invalid_token" and self.key >= (12, 0)
            if not unknown or not self.says_live(token):
                raise

    def says_live(self, token: Any) -> bool:
        """Return whether the claims of a token say that its time is not over."""
        if not isinstance(token, str) or token.count(".") != 2:
            return False
        try:
            return bool(int(self.tokens.claims(token)["exp"]) > self.now)
        except (ValueError, KeyError, TypeError):
            return False
