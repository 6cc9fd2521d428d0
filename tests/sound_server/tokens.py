"""The tokens of one server."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sound_server.choices import Choices
from sound_server.reading import Refusal

HOUR = 3600


@dataclass
class Token:
    """What the server keeps of a token."""

    issued: float
    used: float
    life: int
    idle: bool
    released: bool = False
    requests: int = 0


@dataclass
class Tokens:
    """All tokens that a server issued."""

    choices: Choices
    key: tuple[int, int]
    random: Random
    known: dict[str, Token] = field(default_factory=dict)

    def issue(
        self,
        now: float,
        user: str,
        organisation: str,
        unit: dict[str, Any],
        *,
        by_key: bool = False,
    ) -> str:
        """Return a new token."""
        fixed = self.key >= (12, 0)
        text = self.jwt(now, user, organisation, unit) if fixed else self.opaque(by_key=by_key)
        idle = not fixed and not by_key and self.choices.expiry_before_r12 == "idle"
        life = 2 * HOUR if fixed or by_key else HOUR
        self.known[text] = Token(now, now, life, idle)
        if self.choices.tokens_alive is not None:
            for older in list(self.known)[: -self.choices.tokens_alive]:
                del self.known[older]
        return text

    def opaque(self, *, by_key: bool) -> str:
        """Return a token of the time before R12."""
        form = self.choices.token_form
        if form == "digits" or (by_key and self.choices.key_token_form == "digits"):
            return str(self.random.randint(10**9, 10**10 - 1))
        bits = 256 if form == "hex64" else 128
        return f"{self.random.getrandbits(bits):0{bits // 4}X}"

    def jwt(self, now: float, user: str, organisation: str, unit: dict[str, Any]) -> str:
        """Return a token as from R12 on."""
        begin: float = now if self.choices.jwt_times == "fraction" else int(now)
        end, text = int(now) + 2 * HOUR, self.choices.jwt_times == "text"
        claims = {
            "jti": f"{self.random.getrandbits(128):032X}",
            "usr": user,
            "org": organisation,
            "oun": unit["name" if self.choices.jwt_unit == "name" else "id"],
            "exp": str(end) if text else end,
            "iat": str(begin) if text else begin,
        }
        parts = [encoded(json.dumps(part)) for part in ({"typ": "JWT", "alg": "HS256"}, claims)]
        content = ".".join(parts)
        made = hmac.new(b"a key of the server", content.encode(), hashlib.sha256).digest()
        return f"{content}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"

    def claims(self, text: str) -> dict[str, Any]:
        """Return the claims of a JWT."""
        part = text.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return claims

    def check(self, text: Any, now: float) -> None:
        """Refuse a token that is not live, and note the use of one that is."""
        token = self.known.get(text) if isinstance(text, str) else None
        if token is None:
            raise Refusal("invalid_token", "The token is not valid.")
        if token.released:
            raise Refusal("released_token", "The token was released.")
        if self.is_over(token, now):
            raise Refusal("expired_token", "The token has expired.")
        token.requests += 1
        token.used = now

    def is_over(self, token: Token, now: float) -> bool:
        """Return whether the time of a token is over, or it was used too often."""
        is_late = now - (token.used if token.idle else token.issued) >= token.life
        return is_late or token.requests == self.choices.token_requests

    def live(self, now: float) -> int:
        """Return how many tokens are live."""
        return sum(
            not token.released and not self.is_over(token, now) for token in self.known.values()
        )

    def end(self, text: str) -> None:
        """End a token."""
        self.known[text].released = True


def encoded(text: str) -> str:
    """Return text in base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
