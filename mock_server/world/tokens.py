"""Tokens: what the login methods hand out, and how long it holds.

Sources: authentication/token (an hour, later wording: an hour without use; two hours, used or
not, and JWT from R12.0.0), authentication/web_api_key/token and token/release (R10.0.0). The
JWT's claims, ``exp`` and ``iat`` as texts among them, are those of a recorded R12 token.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from crmcom_kit.mock_server.clock import Clock
from crmcom_kit.mock_server.protocol.errors import (
    ExpiredToken,
    InvalidToken,
    ReleasedToken,
    TokenError,
)
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.world.ids import Ids
from crmcom_kit.schemas.releases import TokenKind

_SEEN = quoted("", secret=True)
_NOT_RELEASED = "a token that was not released"
MAX_TOKENS = 10_000  # remembered at once, ended ones included; the oldest is forgotten


@dataclass(frozen=True, slots=True)
class Session:
    """On whose behalf a call is made: rendered user and unit as log_information shows them."""

    user: dict[str, Any]
    unit: dict[str, Any] | None
    organisation: str


@dataclass(slots=True)
class _Token:
    session: Session
    kind: TokenKind
    expires: float  # seconds since 1970
    released: bool = False


class Tokens:
    """The tokens of one world."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Ids,
        live_at_once: int = 0,
        renews: bool = True,
        fixed: Mapping[str, Session] | None = None,
    ) -> None:
        """Start without any but the fixed ones.

        Args:
            clock: what tells when a token ends.
            ids: what tokens are made from.
            live_at_once: how many tokens of one user hold at once, 0 for any number.
            renews: whether use renews the tokens of a kind that is renewed by use.
            fixed: tokens that never expire, and their sessions.
        """
        self._clock = clock
        self._ids = ids
        self._live_at_once = live_at_once
        self._renews = renews
        self._lock = threading.Lock()
        self._tokens: OrderedDict[str, _Token] = OrderedDict()
        self._fixed: Mapping[str, Session] = fixed or {}
        self._over: dict[str, type[TokenError]] = {}  # fixed ones that were ended, and how

    def issue(self, session: Session, kind: TokenKind) -> str:
        """Return a new token for ``session``."""
        if not self._renews:
            kind = replace(kind, renewed_by_use=False)
        now = self._clock.now().timestamp()
        expires = now + kind.life_seconds
        token = self._ids.next("token")
        if kind.kind == "jwt":
            token = self._jwt(token, session, int(now), int(expires))
        with self._lock:
            self._end_oldest(session, now)
            self._tokens[token] = _Token(session, kind, expires)
            while len(self._tokens) > MAX_TOKENS:
                self._tokens.popitem(last=False)
        return token

    def _end_oldest(self, session: Session, now: float) -> None:
        if not self._live_at_once:
            return
        live = [
            name
            for name, token in self._tokens.items()
            if token.session.user["id"] == session.user["id"] and self._lives(token, now)
        ]
        for name in live[: len(live) - self._live_at_once + 1]:
            del self._tokens[name]

    @staticmethod
    def _lives(token: _Token, now: float) -> bool:
        return not token.released and now < token.expires

    def _jwt(self, session_id: str, session: Session, issued: int, expires: int) -> str:
        import jwt  # only releases from R12 on need it: the start of the others stays quick

        claims = {
            "usr": session.user.get("username"),
            "org": session.organisation,
            "oun": session.unit["id"] if session.unit else None,
            "exp": str(expires),
            "iat": str(issued),
            "jti": session_id,
        }
        # Two blocks: HS256 asks for a key of at least 32 bytes.
        key = self._ids.of("jwt", "key") + self._ids.of("jwt", "more key")
        return jwt.encode(claims, key, algorithm="HS256")

    def check(self, text: str) -> Session:
        """Return the session of a token, and renew the token where its kind is renewed by use.

        Raises:
            InvalidToken, ExpiredToken, ReleasedToken: the token does not hold.
        """
        session = self._fixed.get(text)
        if session is not None and text not in self._over and text not in self._tokens:
            return session  # nothing to renew, so nothing to lock
        with self._lock:
            return self._checked(text)

    def _checked(self, text: str) -> Session:
        token = self._tokens.get(text)
        if token is None:
            return self._checked_fixed(text)
        if token.released:
            raise ReleasedToken("token", seen=_SEEN, allowed=_NOT_RELEASED)
        now = self._clock.now().timestamp()
        if not self._lives(token, now):
            raise ExpiredToken("token", seen=_SEEN, allowed=_life(token.kind))
        if token.kind.renewed_by_use:
            token.expires = now + token.kind.life_seconds
        return token.session

    def _checked_fixed(self, text: str) -> Session:
        session = self._fixed.get(text)
        if session is None:
            raise InvalidToken("token", seen=_SEEN, allowed="a token from a login method")
        over = self._over.get(text)
        if over is ReleasedToken:
            raise ReleasedToken("token", seen=_SEEN, allowed=_NOT_RELEASED)
        if over is ExpiredToken:
            raise ExpiredToken("token", seen=_SEEN, allowed="a token that was not made to expire")
        return session

    def release(self, text: str) -> None:
        """End a token. Raises what ``check`` raises, and then nothing has changed."""
        with self._lock:
            self._checked(text)
            if text in self._tokens:
                self._tokens[text].released = True
            else:
                self._over[text] = ReleasedToken

    def expire(self, text: str) -> bool:
        """Let a token be over, a fixed one until a reset; return whether there is such a token."""
        with self._lock:
            token = self._tokens.get(text)
            if token is not None:
                token.expires = float("-inf")
            elif text in self._fixed:
                self._over.setdefault(text, ExpiredToken)
            else:
                return False
            return True

    def fix(self, fixed: Mapping[str, Session]) -> None:
        """Let these be the fixed tokens, and their sessions; those that were ended stay so."""
        with self._lock:
            self._fixed = fixed

    def restore_fixed(self) -> None:
        """Make fixed tokens that were ended hold again."""
        with self._lock:
            self._over.clear()

    def knows(self, token: str) -> bool:
        """Whether a token is remembered, an ended one included."""
        return token in self._fixed or token in self._tokens  # each one step, without the lock


def _life(kind: TokenKind) -> str:
    hours = kind.life_seconds / 3600
    use = "after its last use" if kind.renewed_by_use else "after the login, used or not"
    return f"a token of at most {hours:g} h {use}"
