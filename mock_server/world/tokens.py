"""Tokens: what the login methods issue, for whom, and how long they are valid.

Sources: authentication/token (an hour, in later wording an hour without use; from R12.0.0 two
hours, used or not, and a JWT), authentication/web_api_key/token and token/release (R10.0.0). The
claims of the JWT, with ``exp`` and ``iat`` as strings, are those of a recorded R12 token.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from crmcom_kit.mock_server.clock import Clock
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.store.reference_data import Object, ReferenceData
from crmcom_kit.mock_server.world.ids import Ids
from crmcom_kit.schemas.releases import TokenKind
from crmcom_kit.usage_errors import quoted

#: Tokens remembered at the same time, ended ones included; the oldest is forgotten first.
MAX_TOKENS = 10_000
_SEEN = quoted("", secret=True)
_RENEWAL_DIAL = "tokens.hour_before_r12"
_EndedKind = Literal["released_token", "expired_token"]
_ALLOWED = {
    "released_token": "a token that was not released",
    "expired_token": "a token that no fault has expired",
}


@dataclass(frozen=True, slots=True)
class Session:
    """On whose behalf a request is made: user and unit as log_information shows them."""

    user: dict[str, Any]
    unit: dict[str, Any] | None
    organisation: str


def session_of(
    config: Config, reference_data: ReferenceData, unit: Object | None = None
) -> Session:
    """Return the session of the credentials' user, for ``unit`` or the first unit.

    Whatever the user's name, in a profile the first user is the one whose login it was made with.
    """
    credentials, renderer = config.credentials, config.renderer
    name = credentials.username
    learned = next(iter(reference_data.users), None) if config.serves_profile else None
    user = (
        reference_data.user_named(name)
        or learned
        or {
            "id": "1",
            "username": name,
            "person_name": name,
            "email": None,
        }
    )
    shown_unit = renderer.unit(unit or next(iter(reference_data.units), None))
    return Session(renderer.user(user) or {}, shown_unit, credentials.organisation)


@dataclass(slots=True)
class _Token:
    session: Session
    kind: TokenKind
    expires: float  # seconds since 1970
    dials: tuple[str, ...]  # that decided when it expires
    released: bool = False


class IssuedToken(NamedTuple):
    """A new token."""

    text: str
    expires: datetime  # by the world's clock; use may extend it


class Tokens:
    """The tokens of one world. They outlast its epochs."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Ids,
        live_at_once: int = 0,
        renews: bool = True,
        fixed: Mapping[str, Session] | None = None,
    ) -> None:
        """Start with the fixed tokens only.

        Args:
            clock: the time by which tokens expire.
            ids: what tokens are made from.
            live_at_once: how many tokens of one user are valid at the same time; 0 for any number.
            renews: whether use extends the life of tokens whose kind is renewed by use.
            fixed: tokens that never expire, and their sessions.
        """
        self._clock = clock
        self._ids = ids
        self._live_at_once = live_at_once
        self._renews = renews
        self._lock = threading.Lock()
        self._tokens: OrderedDict[str, _Token] = OrderedDict()
        self._fixed: Mapping[str, Session] = fixed or {}
        self._ended_fixed: dict[str, _EndedKind] = {}

    def issue(self, session: Session, kind: TokenKind) -> IssuedToken:
        """Return a new token for ``session``."""
        dials = (_RENEWAL_DIAL,) if kind.renewed_by_use else ()
        if not self._renews:
            kind = replace(kind, renewed_by_use=False)
        now = self._clock.now().timestamp()
        expires = now + kind.life_seconds
        token = self._ids.next("token")
        if kind.kind == "jwt":
            token = self._jwt(token, session, int(now), int(expires))
        with self._lock:
            self._end_oldest(session, now)
            self._tokens[token] = _Token(session, kind, expires, dials)
            while len(self._tokens) > MAX_TOKENS:
                self._tokens.popitem(last=False)
        return IssuedToken(token, datetime.fromtimestamp(expires, UTC))

    def _end_oldest(self, session: Session, now: float) -> None:
        """Make room for one more live token of a user."""
        if not self._live_at_once:
            return
        live = [
            name
            for name, token in self._tokens.items()
            if token.session.user["id"] == session.user["id"] and _lives(token, now)
        ]
        too_many = max(0, len(live) + 1 - self._live_at_once)
        for name in live[:too_many]:
            del self._tokens[name]

    def _jwt(self, session_id: str, session: Session, issued: int, expires: int) -> str:
        import jwt  # only releases from R12 on need it: the others start sooner without

        claims = {
            "usr": session.user.get("username"),
            "org": session.organisation,
            "oun": session.unit["id"] if session.unit else None,
            "exp": str(expires),
            "iat": str(issued),
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
            return self._checked(text)

    def _checked(self, text: str) -> Session:
        token = self._tokens.get(text)
        if token is None:
            if text not in self._fixed:
                dials = ("tokens.live_at_once",) if self._live_at_once else ()
                raise _refusal("invalid_token", "a token from a login method", *dials)
            if text in self._ended_fixed:
                raise _refusal(self._ended_fixed[text])
            return self._fixed[text]
        if token.released:
            raise _refusal("released_token")
        now = self._clock.now().timestamp()
        if not _lives(token, now):
            raise _refusal("expired_token", _life(token.kind), *token.dials)
        if token.kind.renewed_by_use:
            token.expires = now + token.kind.life_seconds
        return token.session

    def release(self, text: str) -> None:
        """End a token. Raises VendorError as ``check`` does, and then nothing has changed."""
        with self._lock:
            self._checked(text)
            if text in self._tokens:
                self._tokens[text].released = True
            else:
                self._ended_fixed[text] = "released_token"

    def expire(self, text: str) -> bool:
        """Make a token expire, a fixed one until a reset; return whether it is known."""
        with self._lock:
            token = self._tokens.get(text)
            if token is not None:
                token.expires = float("-inf")
            elif text in self._fixed:
                self._ended_fixed.setdefault(text, "expired_token")
            else:
                return False
            return True

    def set_fixed(self, fixed: Mapping[str, Session]) -> None:
        """Replace the fixed tokens and their sessions; those that were ended stay ended."""
        with self._lock:
            self._fixed = fixed

    def restore_fixed(self) -> None:
        """Make fixed tokens that were ended valid again."""
        with self._lock:
            self._ended_fixed.clear()

    def knows(self, token: str) -> bool:
        """Return whether a token is remembered, ended ones included."""
        return token in self._fixed or token in self._tokens  # each one step, without the lock

    def knows_any(self, tokens: frozenset[str]) -> bool:
        """Return whether any of these tokens is remembered, ended ones included."""
        fixed, issued = self._fixed.keys(), self._tokens.keys()
        return not (fixed.isdisjoint(tokens) and issued.isdisjoint(tokens))


def _lives(token: _Token, now: float) -> bool:
    return not token.released and now < token.expires


def _refusal(kind: str, allowed: str = "", *dials: str) -> VendorError:
    allowed = allowed or _ALLOWED[kind]
    return VendorError(kind, "token", seen=_SEEN, allowed=allowed, dials=dials)


def _life(kind: TokenKind) -> str:
    hours = kind.life_seconds / 3600
    use = "after its last use" if kind.renewed_by_use else "after the login"
    return f"a token of at most {hours:g} h {use}"
