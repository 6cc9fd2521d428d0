"""Tokens of the login methods: their sessions, and how long they are valid.

Sources: authentication/token (an hour, in later wording an hour without use; from R12.0.0 two
hours, used or not, and a JWT), authentication/web_api_key/token and token/release (R10.0.0). The
claims of the JWT, with ``exp`` and ``iat`` as strings, are those of a recorded R12 token.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import Any, Literal, NamedTuple

from crmcom_kit.mock_server.clock import Clock
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.world.ids import Ids
from crmcom_kit.schemas.releases import TokenKind
from crmcom_kit.usage_errors import quoted

#: Maximum number of tokens, ended ones included; above it, the oldest is removed.
MAX_TOKENS = 10_000
_HIDDEN = quoted("", secret=True)
_RENEWAL_DIAL = "tokens.hour_before_r12"
_ALLOWED = {
    "released_token": "a token that was not released",
    "expired_token": "a token that no fault has expired",
}


@dataclass(frozen=True, slots=True)
class Session:
    """The user and the unit of a login, in the form of log_information."""

    user: dict[str, Any]
    unit: dict[str, Any] | None
    organisation: str


@dataclass(slots=True)
class _Token:
    session: Session
    kind: TokenKind | None = None  # None: fixed
    expires: float = inf  # seconds since 1970
    ended: Literal["", "released_token", "expired_token"] = ""

    def is_live(self, now: float) -> bool:
        """Return True if it is valid."""
        return not self.ended and now < self.expires


class IssuedToken(NamedTuple):
    """A new token."""

    text: str
    expires: datetime  # by the world's clock; use may extend it


class Tokens:
    """The tokens of one world, which outlast its epochs."""

    def __init__(
        self, *, clock: Clock, ids: Ids, live_at_once: int = 0, renews: bool = True
    ) -> None:
        """Start without tokens.

        Args:
            clock: the clock by which tokens expire.
            ids: the source of token texts.
            live_at_once: how many tokens of one user are valid at the same time; 0 for any number.
            renews: True if use extends the life of tokens whose kind is renewed by use.
        """
        self._clock = clock
        self._ids = ids
        self._live_at_once = live_at_once
        self._renews = renews
        self._lock = threading.Lock()
        self._issued_tokens: OrderedDict[str, _Token] = OrderedDict()
        self._fixed_tokens: dict[str, _Token] = {}

    def set_fixed(self, texts: Iterable[str], session: Session) -> None:
        """Make fixed tokens, which never expire, valid for ``session``."""
        self._fixed_tokens = {text: _Token(session) for text in texts}

    def issue(self, session: Session, kind: TokenKind) -> IssuedToken:
        """Return a new token for ``session``."""
        now = self._clock.now().timestamp()
        expires = now + kind.life_seconds
        text = self._ids.next("token")
        if kind.kind == "jwt":
            text = self._jwt(text, session, int(now), int(expires))
        with self._lock:
            self._end_oldest(session, now)
            self._issued_tokens[text] = _Token(session, kind, expires)
            while len(self._issued_tokens) > MAX_TOKENS:
                self._issued_tokens.popitem(last=False)
        return IssuedToken(text, datetime.fromtimestamp(expires, UTC))

    def _end_oldest(self, session: Session, now: float) -> None:
        """End tokens of a user so that one more may be valid."""
        if not self._live_at_once:
            return
        user = session.user["id"]
        live_tokens = [
            text
            for text, token in self._issued_tokens.items()
            if token.session.user["id"] == user and token.is_live(now)
        ]
        for text in live_tokens[: max(0, len(live_tokens) + 1 - self._live_at_once)]:
            del self._issued_tokens[text]

    def _jwt(self, session_id: str, session: Session, start: int, expires: int) -> str:
        import jwt  # imported when needed: releases before R12 start sooner without it

        claims = {
            "usr": session.user.get("username"),
            "org": session.organisation,
            "oun": session.unit["id"] if session.unit else None,
            "exp": str(expires),
            "iat": str(start),
            "jti": session_id,
        }
        # Two blocks: HS256 needs a key of at least 32 bytes.
        key = self._ids.of("jwt", "key") + self._ids.of("jwt", "more key")
        return jwt.encode(claims, key, algorithm="HS256")

    def check(self, text: str) -> Session:
        """Return the session of a token, and extend its life if its kind is renewed by use.

        Raises:
            VendorError: the token is not valid (invalid_token, expired_token, released_token).
        """
        with self._lock:
            return self._valid_token(text).session

    def _valid_token(self, text: str) -> _Token:
        token = self._find(text)
        if token is None:
            dials = ("tokens.live_at_once",) if self._live_at_once else ()
            raise _refusal("invalid_token", "a token from a login method", *dials)
        if token.ended:
            raise _refusal(token.ended, _ALLOWED[token.ended])
        kind = token.kind
        if kind is not None:
            now = self._clock.now().timestamp()
            dials = (_RENEWAL_DIAL,) if kind.renewed_by_use else ()
            is_renewed = kind.renewed_by_use and self._renews
            if now >= token.expires:
                use = "after its last use" if is_renewed else "after the login"
                life = f"a token of at most {kind.life_seconds / 3600:g} h {use}"
                raise _refusal("expired_token", life, *dials)
            if is_renewed:
                token.expires = now + kind.life_seconds
        return token

    def _find(self, text: str) -> _Token | None:
        return self._issued_tokens.get(text) or self._fixed_tokens.get(text)

    def release(self, text: str) -> None:
        """End a token. Raises VendorError as ``check`` does; nothing has changed then."""
        with self._lock:
            self._valid_token(text).ended = "released_token"

    def expire(self, text: str) -> None:
        """Make a token expire; a fixed one until the content of the world is replaced."""
        with self._lock:
            token = self._find(text)
            if token is not None and not token.ended:
                token.ended = "expired_token"

    def knows(self, text: str) -> bool:
        """Return True if the world has a token, which may have ended."""
        # Atomic look-ups, without the lock.
        return text in self._fixed_tokens or text in self._issued_tokens

    def variables(self) -> dict[str, str]:
        """Return a variable for each token: fixed ones first, then in the order of their issue."""
        with self._lock:
            texts = [*self._fixed_tokens, *self._issued_tokens]
        names = (f"$CRMCOM_TOKEN_{number}" for number in range(2, len(texts) + 1))
        return dict(zip(texts, ("$CRMCOM_TOKEN", *names), strict=False))


def _refusal(kind: str, allowed: str, *dials: str) -> VendorError:
    return VendorError(kind, "token", seen=_HIDDEN, allowed=allowed, dials=dials)
