"""Check what logins return: a token, from R12 on a JSON Web Token; note which are valid."""

import base64
import re
from collections.abc import Iterator
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Belief, TokenState
from crmcom_kit.contract_tests.client.exchanges import Exchange, parsed
from crmcom_kit.contract_tests.findings import shortened
from crmcom_kit.contract_tests.oracle.sense import Sense
from crmcom_kit.contract_tests.oracle.suspicions import Seen, at_once

_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)  # base64url without padding (RFC 7515)
CLAIMS = ("jti", "usr", "org", "oun", "exp", "iat")
LIFE = 7200  # seconds from iat to exp
_COUNT = re.compile(r"[0-9]{1,18}")  # what is longer may be too long to be read as a number


def observe(exchange: Exchange, sense: Sense, belief: Belief) -> Iterator[Seen]:
    """Check login.token.* and token_release.empty_answer; note which tokens are valid."""
    if sense.name in ("token", "web_api_key_token"):
        yield from (_returned_token if exchange.ok else _no_token)(exchange, belief)
    elif sense.name == "token_release" and exchange.ok:
        if isinstance(sense.token, str):
            ends = not belief.release.at_least("R12.0.0")  # from then on it is a choice
            belief.set_token(sense.token, TokenState.RELEASED if ends else TokenState.DOUBTFUL)
        if "data" not in exchange.envelope:
            return
        if exchange.data == {}:
            yield "token_release.empty_answer"
        else:
            expected, seen = "an empty object as data", "null, or data that is not empty"
            yield at_once(exchange, "token_release.empty_answer", expected, seen)
    elif exchange.ok and not belief.knows_tokens and isinstance(sense.token, str):
        belief.set_token(sense.token, TokenState.LIVE)  # of a recording that begins after the login


def _no_token(exchange: Exchange, _belief: Belief) -> Iterator[Seen]:
    if isinstance(exchange.data, dict) and exchange.data.get("token"):
        expected, seen = "an error and no token", "a token despite the error"
        yield at_once(exchange, "login.credentials", expected, seen)


def _returned_token(exchange: Exchange, belief: Belief) -> Iterator[Seen]:
    data = exchange.data
    token = data.get("token") if isinstance(data, dict) else None
    if isinstance(token, str) and token:
        belief.set_token(token, TokenState.LIVE)
        yield "login.token.returns_token"
        if belief.release.at_least("R12.0.0"):
            yield from _jwt(token, exchange)
        return
    seen = "data without token"
    if isinstance(data, dict) and "token" in data:
        seen = f"a token that is {'empty' if token == '' else type(token).__name__}"
    expected = "data with a token, a string"
    yield at_once(exchange, "login.token.returns_token", expected, seen)


def decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return header and payload of a JSON Web Token, unverified; None where it is none."""
    if not _JWT.fullmatch(token):
        return None
    header_part, payload_part, signature = token.split(".")
    try:
        header, payload = (parsed(_base64url(part)) for part in (header_part, payload_part))
        _base64url(signature)
    except ValueError:
        return None
    return (header, payload) if isinstance(header, dict) and isinstance(payload, dict) else None


def _base64url(text: str) -> bytes:
    raw = text.encode()
    return base64.b64decode(raw + b"=" * (-len(raw) % 4), altchars=b"-_", validate=True)


def _jwt(token: str, exchange: Exchange) -> Iterator[Seen]:
    found = decoded(token)
    if found is None or len(token) <= 32:
        expected, seen = "a JSON Web Token", f"a string of {len(token)} characters that is not one"
        yield at_once(exchange, "login.token.jwt", expected, seen)
        return
    yield "login.token.jwt"
    header, claims = found
    typ, alg = (shortened(repr(header.get(name)), 80) for name in ("typ", "alg"))
    seen = f"typ {typ} and alg {alg}"
    if header.get("typ") == "JWT" and header.get("alg") == "HS256":
        yield "login.token.jwt_header"
    else:
        expected = "typ JWT and alg HS256"
        yield at_once(exchange, "login.token.jwt_header", expected, seen)
    missing = [name for name in CLAIMS if name not in claims]
    if missing:
        expected, seen = f"the claims {', '.join(CLAIMS)}", f"no {', '.join(missing)}"
        yield at_once(exchange, "login.token.jwt_claims", expected, seen)
    else:
        yield "login.token.jwt_claims"
    if "exp" in claims and "iat" in claims:
        yield from _times(claims["exp"], claims["iat"], exchange)


def _times(end: Any, begin: Any, exchange: Exchange) -> Iterator[Seen]:
    until, since = _seconds(end), _seconds(begin)
    if until is not None and since is not None and until - since == LIFE:
        yield "login.token.jwt_times"
    else:
        yield at_once(
            exchange,
            "login.token.jwt_times",
            f"exp and iat in seconds, {LIFE} apart",
            f"exp {shortened(repr(end), 80)} and iat {shortened(repr(begin), 80)}",
        )


def _seconds(value: Any) -> int | None:
    """Return the seconds that a claim counts, as a string or a number; None if it does not."""
    return int(value) if _COUNT.fullmatch(str(value)) else None
