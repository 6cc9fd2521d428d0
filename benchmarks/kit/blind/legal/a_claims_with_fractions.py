"""A JWT has times with fractions and more claims; a login tells more; release has null data."""

import base64
import hashlib
import hmac
import json
from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.tokens import HOUR, Tokens, encoded

FACTS = "section 4 (tokens are opaque; release: data is not applicable, {} only [E])"
CHOICES: dict[str, Any] = {}


class FractionTokens(Tokens):
    """Makes tokens with more in them."""

    def jwt(self, now: float, user: str, organisation: str, unit: dict[str, Any]) -> str:
        """Return a token with more claims and exact times."""
        claims = self.claims(super().jwt(now, user, organisation, unit))
        claims |= {"iat": now, "nbf": now, "exp": now + 2 * HOUR, "iss": "CRM.COM"}
        claims |= {"aud": ["v2", "ü"], "roles": {}, "sub": None, "ver": 12.0}
        head = {"alg": "HS256", "kid": "2016-11", "typ": "JWT"}
        content = ".".join(encoded(json.dumps(part, indent=1)) for part in (head, claims))
        made = hmac.new(b"another key", content.encode(), hashlib.sha256).digest()
        return f"{content}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"


class Server(SoundServer):
    """Tells of its tokens more than the pages do."""

    def set_up(self) -> None:
        """Make tokens in the other way."""
        super().set_up()
        self.tokens = FractionTokens(self.choices, self.key, self.tokens.random)

    def do_login(self, call: Call) -> Any:
        """Return a token, and when it ends."""
        return {"token_type": "JWT", "expires_in": 7200.5, **super().do_login(call)}

    def do_release_token(self, call: Call) -> Any:
        """End a token, and have nothing to tell."""
        super().do_release_token(call)
        return None
