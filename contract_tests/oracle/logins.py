"""Check what logins return: a token, from R12 on a JSON Web Token. Note which tokens are valid."""

import base64
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.tokens import TokenState
from crmcom_kit.contract_tests.client.calls import build, key_login
from crmcom_kit.contract_tests.client.exchanges import LOGINS, Call, Exchange, parsed, token_of
from crmcom_kit.contract_tests.client.wording import outcome, shortened
from crmcom_kit.contract_tests.oracle.confirmations import Effect, RefusedCall
from crmcom_kit.contract_tests.oracle.parsing import Request, basic_text
from crmcom_kit.contract_tests.oracle.refusals import other_entity
from crmcom_kit.contract_tests.oracle.suspicions import (
    Finding,
    Flaw,
    Held,
    Suspicion,
    finding,
    held,
)
from crmcom_kit.schemas.methods import Method, methods

_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)  # base64url without padding (RFC 7515)
CLAIMS = ("jti", "usr", "org", "oun", "exp", "iat")
LIFE = 7200  # seconds from iat to exp
_SECONDS = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?")


def observe(exchange: Exchange, request: Request, belief: Belief) -> Iterator[Finding]:
    """Check login.token.*; note which tokens are valid."""
    if request.name in LOGINS:
        yield from _login(exchange, request, belief)
    elif request.name == "token_release" and isinstance(request.token, str):
        yield from _released(exchange, request, belief)
    elif exchange.ok and not belief.tokens.sees_logins and isinstance(request.token, str):
        belief.tokens.note(request.token, TokenState.LIVE)  # a recording may begin after the login


def _login(exchange: Exchange, request: Request, belief: Belief) -> Iterator[Finding]:
    data = exchange.data if isinstance(exchange.data, dict) else {}
    token = data.get("token")
    if not exchange.ok:
        if token:
            yield Flaw("login.credentials", "an error and no token", "a token despite the error")
        yield from _refused(exchange, request, belief)
    elif isinstance(token, str) and token:
        belief.tokens.note(token, TokenState.LIVE)
        yield Held("login.token.returns_token")
        if request.name == "web_api_key_token":
            yield from _by_key(exchange, belief)
        if isinstance(unit := request.parameters.get("unit"), str) and unit:
            yield Held("login.unit")
            yield from _check_unit(exchange, unit, belief)
        if belief.release.at_least("R12.0.0"):
            yield from _jwt(token)
    else:
        seen = "data without token"
        if "token" in data:
            seen = f"a token that is {'empty' if token == '' else type(token).__name__}"
        yield Flaw("login.token.returns_token", "data with a token, a string", seen)


def _by_key(exchange: Exchange, belief: Belief) -> Iterator[Held]:
    """Yield the statements that a login by Web API key keeps."""
    yield Held("web_api_key_token.available")
    key, colon, password = (basic_text(exchange.call) or "").partition(":")
    if key and colon and not password and belief.tokens.credentials.api_key in (None, key):
        yield from held("login.web_api_key.basic", "login.web_api_key.colon")


def claimed_unit(login: Exchange) -> str | None:
    """Return the unit that the token of a login claims to be for, or None."""
    parts = decoded(token_of(login) or "")
    claim = parts[1].get("oun") if parts is not None else None
    return claim if isinstance(claim, str) else None


def _check_unit(login: Exchange, unit: str, belief: Belief) -> Iterator[Suspicion]:
    """Check the claim oun, if it is the name or the ID of a known unit."""
    claim, units = claimed_unit(login), known_units(belief)
    if not belief.release.at_least("R12.0.0") or claim is None:
        return
    is_known = any(claim in names for names in units.values())
    if is_known and claim not in units.get(unit, {unit}):
        expected, seen = f"a token for the unit {unit}", f"the claim oun {claim}"
        hypotheses = (Effect("login.unit", login),)
        yield Suspicion(login, expected, seen, hypotheses, symptom="login")


def _released(exchange: Exchange, request: Request, belief: Belief) -> Iterator[Finding]:
    """Note that a token was released, or yield the suspicion that a valid one was not."""
    ends_token = not belief.release.at_least("R12.0.0")  # from then on that is open
    token, method = str(request.token), methods(belief.release)["list"]
    if exchange.ok:
        yield Held("token_release.available")
        belief.tokens.note(token, TokenState.RELEASED if ends_token else TokenState.DOUBTFUL)
    elif ends_token and request.is_clear and belief.tokens.state(token) is TokenState.LIVE:
        sibling = build(method, {"token": token, "entity": other_entity(belief)})
        hypotheses = (RefusedCall("token_release.available", exchange.call, sibling),)
        yield Suspicion(exchange, "OK: the token is valid", outcome(exchange), hypotheses)


# Right logins that are refused.

#: The members of log_information that hold units; the last two from R18 on.
_UNITS = (
    "created_by_unit", "updated_by_unit", "created_by_business_unit", "updated_by_business_unit",
)  # fmt: skip


def known_units(belief: Belief) -> dict[str, set[Any]]:
    """Return the ids and names of units that webhook requests show, by id."""
    logs = [record.typed.get("log_information") for record in belief.records.existing()]
    units = (log.get(member) for log in logs if isinstance(log, dict) for member in _UNITS)
    names: dict[str, set[Any]] = {}
    for unit in {id(unit): unit for unit in units}.values():  # most records share theirs
        if isinstance(unit, Mapping) and isinstance(unit.get("id"), str):
            names.setdefault(unit["id"], set()).update((unit["id"], unit.get("name")))
    return names


def _refused(exchange: Exchange, request: Request, belief: Belief) -> Iterator[Suspicion]:
    """Yield the suspicion that a right login is refused for its form.

    A refusal alone is no violation: a user may be locked, or may have too many sessions.
    """
    call, login, unit = exchange.call, belief.tokens.credentials, request.parameters.get("unit")
    is_right: bool | None
    if request.name == "web_api_key_token":
        is_right = login.api_key is not None and basic_text(call) == f"{login.api_key}:"
    else:
        is_right = belief.tokens.login_is_right({**request.parameters, "unit": None})
    if request.method is None or not is_right or request.is_unreadable:
        return
    if unit not in (None, login.unit):
        return  # whether the user may act for another unit is open
    forms = _forms(call, request, request.method, belief)
    hypotheses = tuple(RefusedCall(statement, call, form) for statement, form in forms)
    expected = "OK: the login is right, and so it was served"
    yield Suspicion(exchange, expected, outcome(exchange), hypotheses, symptom="login")


def _forms(
    call: Call, request: Request, method: Method, belief: Belief
) -> Iterator[tuple[str, Call]]:
    """Yield the forms in which a login may be served; each shows that a statement is broken."""
    key, unit = belief.tokens.credentials.api_key, request.parameters.get("unit")
    other_units = [*known_units(belief)][:1] if unit is None else [None]
    if request.name == "web_api_key_token":
        yield "web_api_key_token.available", call
        yield "login.web_api_key.colon", key_login(method, str(key), unit)
        yield "login.web_api_key.basic", key_login(method, f":{key}", unit)
        for other_unit in other_units:
            yield "login.unit", key_login(method, f"{key}:", other_unit)
        return
    yield "login.token.returns_token", call
    parameters = {name: value for name, value in request.parameters.items() if name != "unit"}
    for other_unit in other_units:
        units = {} if other_unit is None else {"unit": other_unit}
        yield "login.unit", build(method, parameters | units)


def decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return header and payload of a JSON Web Token, unverified; or None."""
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


def _jwt(token: str) -> Iterator[Finding]:
    """Check the form, header and claims of a JSON Web Token."""
    parts = decoded(token)
    if parts is None or len(token) <= 32:
        seen = f"a string of {len(token)} characters that is not one"
        yield Flaw("login.token.jwt", "a JSON Web Token", seen)
        return
    yield Held("login.token.jwt")
    header, claims = parts
    typ, alg = (shortened(repr(header.get(name)), 80) for name in ("typ", "alg"))
    yield finding(
        "login.token.jwt_header",
        holds=header.get("typ") == "JWT" and header.get("alg") == "HS256",
        expected="typ JWT and alg HS256",
        seen=f"typ {typ} and alg {alg}",
    )
    missing = [name for name in CLAIMS if name not in claims]
    yield finding(
        "login.token.jwt_claims",
        holds=not missing,
        expected=f"the claims {', '.join(CLAIMS)}",
        seen=f"no {', '.join(missing)}",
    )
    if "exp" in claims and "iat" in claims:
        end, begin = (shortened(repr(claims[name]), 80) for name in ("exp", "iat"))
        yield finding(
            "login.token.jwt_times",
            holds=_is_lifetime(claims["exp"], claims["iat"]),
            expected=f"exp and iat in seconds, {LIFE} apart",
            seen=f"exp {end} and iat {begin}",
        )


def _is_lifetime(end: Any, begin: Any) -> bool:
    """Return whether two claims are seconds, as strings or numbers, and a lifetime apart.

    Each may have a fraction of a second, or may have lost it.
    """
    counts = [Decimal(str(claim)) for claim in (end, begin) if _SECONDS.fullmatch(str(claim))]
    return len(counts) == 2 and abs(counts[0] - counts[1] - LIFE) < 1
