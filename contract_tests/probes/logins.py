"""Probes of the login methods: who can log in, and what the token is good for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.checks.expectations import LOGIN_PARAMETERS
from crmcom_kit.contract_tests.checks.logins import decoded
from crmcom_kit.contract_tests.client.calls import JSON, build
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.made_up import NO_KEY, NO_PASSWORD, NO_TOKEN
from crmcom_kit.contract_tests.client.near_misses import (
    NAME_MUTATIONS,
    SECRET_MUTATIONS,
    near_misses,
)
from crmcom_kit.contract_tests.findings import Unreachable, outcome
from crmcom_kit.contract_tests.login import MAX_NEW_TOKENS, ask_for_token, by_key, token_of
from crmcom_kit.contract_tests.own_world import units
from crmcom_kit.contract_tests.probes.choosing import is_withdrawn
from crmcom_kit.contract_tests.probes.refusals import body
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session

#: The members of log_information that hold units; the last two from R18 on.
UNITS = (
    "created_by_unit", "updated_by_unit", "created_by_business_unit", "updated_by_business_unit",
)  # fmt: skip
_JWT = tuple(f"login.token.{name}" for name in ("jwt", "jwt_header", "jwt_claims", "jwt_times"))
#: Reports redact a part of a secret from this length on, and so one that is a character off.
MIN_SECRET = 8


def _credentials(session: Session) -> dict[str, str]:
    """Return the parameters of a right login. Raises Unreachable if there is none by password."""
    login = session.target.login
    if login.username is None or login.password is None:
        msg = "needs a login by user name; give --username, --password and --organisation"
        raise Unreachable(msg)
    given = {name: getattr(login, name) for name in (*LOGIN_PARAMETERS, "unit")}
    return {name: value for name, value in given.items() if value}


def _api_key(session: Session) -> str:
    session.method("web_api_key_token")
    if session.target.login.api_key is None:
        msg = "needs a Web API key; give one with --api-key"
        raise Unreachable(msg)
    return session.target.login.api_key


def _use(session: Session, token: str | None) -> Exchange:
    """Make a request that any valid token lets through."""
    return session.call("list", {"token": token, "entity": session.release.entities[0]})


def _keep_token(session: Session) -> None:
    """Make sure that the run's own token is valid: how many live at once is open."""
    session.call("list", {"entity": session.release.entities[0]})


@probe("login.token.returns_token", *_JWT, layer="login", cost=3)
def a_login_returns_a_token_that_works(session: Session) -> None:
    """A login returns a token, and with it requests are served; checks look at its form."""
    if session.refresher is None or not session.refresher.may_log_in:
        msg = "needs a login instead of a token; give --username or --api-key"
        raise Unreachable(msg)
    exchange = ask_for_token(session)
    token = token_of(exchange)
    if token is None:
        if not exchange.ok:
            msg = f"a second login was refused: {outcome(exchange)}"
            raise Unreachable(msg)
        return
    _works(session, exchange, token)
    _keep_token(session)


def _works(session: Session, login: Exchange, token: str) -> None:
    """Check that requests are served with the token that a login has returned.

    A token may end at any time, so one that is refused is followed by others.
    """
    used, unknown = _use(session, token), _use(session, NO_TOKEN)
    refusal = (unknown.status, unknown.code)
    for _ in range(MAX_NEW_TOKENS - 1):
        if used.ok or (used.status, used.code) != refusal:
            break
        login = session.send(login.call)
        used = _use(session, token_of(login) or token)
    as_wrong = (used.status, used.code) == refusal
    if used.ok or (as_wrong and _is_served(session)):
        expected = "a token that the server accepts"
        seen = f"with the token, list returns {outcome(used)}, as without a login"
        session.expect(
            "login.token.returns_token", login, used, kept=used.ok, expected=expected, seen=seen
        )


def _is_served(session: Session) -> bool:
    """Whether list is served with a valid token; a deprecated method may be no longer."""
    if not session.method("list").deprecated or len(session.pool):
        return True
    return not is_withdrawn(session) and _use(session, session.token).ok


@probe("login.credentials", "errors.no_server_error", layer="login", cost=6)
def wrong_credentials_are_refused(session: Session) -> None:
    """A wrong user name, password, organisation or Web API key gives an error and no token."""
    sent = list(_wrong_logins(session))
    if not sent:
        msg = "needs a login; give --username and --password, or --api-key"
        raise Unreachable(msg)
    _keep_token(session)


def _wrong_logins(session: Session) -> Iterator[Exchange]:
    """Log in with one thing wrong each time; rightly after each wrong password: no lockouts."""
    login = session.target.login
    wrong: dict[str, list[str]] = {}
    if login.username is not None and login.password is not None:
        wrong["username"] = ["crmcom-kit-nobody", *_nearly(login.username, NAME_MUTATIONS)]
        wrong["password"] = [NO_PASSWORD, *_nearly(login.password, SECRET_MUTATIONS)]
        wrong["organisation"] = ["crmcom-kit-nowhere", *_nearly(login.organisation, NAME_MUTATIONS)]
    if login.api_key is not None and session.release.web_api_key_token is not None:
        wrong["key"] = [NO_KEY, *_nearly(login.api_key, SECRET_MUTATIONS)]
    for values in zip_longest(*wrong.values()):
        for name, value in zip(wrong, values, strict=True):
            if value is None:
                continue
            by_name = name != "key"
            exchange = ask_for_token(session, **{name: value}) if by_name else session.send(
                by_key(session, value)
            )  # fmt: skip
            note_refusal(session, "wrong_credentials", exchange)
            yield exchange
            if name == "password":
                ask_for_token(session)


def _nearly(right: str | None, mutations: Sequence[Callable[[str], str]]) -> Iterator[str]:
    is_short = mutations is SECRET_MUTATIONS and len(right or "") < MIN_SECRET
    return near_misses(right, mutations) if right and not is_short else iter(())


@probe("token.parameters.mandatory", layer="login", cost=3)
def a_login_needs_all_three(session: Session) -> None:
    """A login without user name, password or organisation is refused, and so is an empty one."""
    given = _credentials(session)
    some = [{each: given[each] for each in given if each != name} for name in LOGIN_PARAMETERS]
    for parameters in (*some, {}, {"username": given["username"]}):
        session.send(build(session.method("token"), parameters))


@probe("parameters.body", layer="login", cost=4)
def a_body_is_one_object(session: Session) -> None:
    """A login whose body is an array, or no JSON, is refused; as an object the same is served."""
    given = _credentials(session)
    path = session.method("token").path
    bodies = {
        "an array": body([given]), "a text": body(body(given).decode()), "no JSON": body(given)[:-1]
    }  # fmt: skip
    for what, content in bodies.items():
        exchange = session.send(Call("token", "POST", path, "", content, JSON))
        why = f"an error: the body is {what}"
        session.expect("parameters.body", exchange, kept=not exchange.ok, expected=why, seen="OK")
        note_refusal(session, "bad_body", exchange)
    odd = body(given)[:-1] + b', "unit": "\xff"}'
    note_refusal(session, "bad_charset", session.send(Call("token", "POST", path, "", odd, JSON)))


# Units.


def ways_to_log_in(session: Session) -> list[Callable[[str | None], Exchange]]:
    """Return what logs in for a unit, or for none: by password, and by Web API key."""
    login, found = session.target.login, []
    if login.username is not None and login.password is not None:
        found.append(lambda unit: ask_for_token(session, unit=unit))
    key = login.api_key
    if key is not None and session.release.web_api_key_token is not None:
        found.append(lambda unit: session.send(by_key(session, key, unit=unit)))
    return found


@probe("login.unit", layer="login", cost=3)
def a_login_may_name_a_unit(session: Session) -> None:
    """A login is served with the ID of a unit, and without; the token is that of the unit."""
    known = _units(session)
    may_refuse = session.target.login.unit is None and not session.target.entries
    served = 0
    for log_in in ways_to_log_in(session):
        if may_refuse and not log_in(None).ok:
            continue  # in any case
        for unit in known[:2]:
            exchange = log_in(unit["id"])
            served += exchange.ok
            if exchange.ok or not may_refuse:
                session.expect_served("login.unit", exchange, "unit is the ID of a unit")
            token = token_of(exchange)
            if exchange.ok and token is not None:
                _names_unit(session, unit["id"], token, exchange)
                _works(session, exchange, token)
                if unit["id"] not in session.observed.units:
                    session.observed.units.append(unit["id"])
    if not served:
        msg = "the user may not act for the units seen; name one with --unit"
        raise Unreachable(msg)
    _note_units(session, known[0])
    _keep_token(session)


def _note_units(session: Session, unit: Mapping[str, Any]) -> None:
    """Log in without a unit, and with the name of one."""
    _credentials(session)
    if session.target.login.unit is None:
        session.expect_served("login.unit", ask_for_token(session), "unit may be left out")
    name = unit.get("name")
    if isinstance(name, str) and name not in ("", unit["id"]):
        by_name = ask_for_token(session, unit=name)
        session.findings.chose("login.unit_by_name", by_name.ok, by_name)


def _names_unit(session: Session, key: str, token: str, exchange: Exchange) -> None:
    """Check the claim oun, if it is the name or the ID of a unit that is known."""
    found = decoded(token)
    claim = found[1].get("oun") if found is not None else None
    if not session.release.at_least("R12.0.0") or not isinstance(claim, str):
        return
    named: dict[str, set[Any]] = {}
    for unit in _seen_units(session):
        named.setdefault(unit["id"], set()).update((unit["id"], unit.get("name")))
    if any(claim in names for names in named.values()):
        kept = claim in named.get(key, {key})
        expected, seen = f"a token for the unit {key}", f"the claim oun {claim}"
        session.expect("login.unit", exchange, kept=kept, expected=expected, seen=seen)


def _units(session: Session) -> list[Mapping[str, Any]]:
    """Return units to log in for. Raises Unreachable if none is known."""
    login = session.target.login
    if login.unit is not None:
        return [{"id": login.unit}]
    found = {unit["id"]: unit for unit in _seen_units(session)}
    if session.target.entries:
        return [found[key] for key in reversed(units(session.target.entries))]
    if not found:
        msg = "no unit is known; name one with --unit"
        raise Unreachable(msg)
    return list(found.values())


def _seen_units(session: Session) -> Iterator[Mapping[str, Any]]:
    """Yield the units that webhook requests show, and those of a world of the kit's own."""
    yield from (each["unit"] for each in session.target.entries if "unit" in each)
    for record in session.pool.known():
        log = record.get("log_information")
        for member in UNITS:
            unit = log.get(member) if isinstance(log, Mapping) else None
            if isinstance(unit, Mapping) and isinstance(unit.get("id"), str):
                yield unit


# Web API keys.


@probe(
    "web_api_key_token.available", "login.web_api_key.basic", "login.web_api_key.colon",
    layer="login", cost=3,
)  # fmt: skip
def a_web_api_key_logs_in(session: Session) -> None:
    """HTTP Basic authentication with a Web API key and an empty password gives a token."""
    key = _api_key(session)
    exchange = session.send(by_key(session, key))
    bare = session.send(by_key(session, key, behind=""))
    why = "the key is the user name, the password empty"
    broken = ["web_api_key_token.available", "login.web_api_key.basic", "login.web_api_key.colon"]
    if exchange.ok:
        session.findings.chose("login.basic_without_colon", bare.ok, bare)
        lower = session.send(by_key(session, key, written="basic {}"))
        session.findings.chose("login.basic_any_case", lower.ok, lower)
    elif bare.ok:
        broken = broken[2:]
    else:
        as_password = session.send(by_key(session, f":{key}", behind=""))
        broken = broken[1:2] if as_password.ok else broken[:1]
    for statement in broken:  # all of them are kept, or one is broken
        session.expect_served(statement, exchange, why)
    _keep_token(session)


@probe("web_api_key_token.parameters.mandatory", layer="login", cost=2)
def a_web_api_key_is_needed(session: Session) -> None:
    """Without a Web API key there is no token."""
    session.send(build(session.method("web_api_key_token"), {}))
    session.send(by_key(session, ""))


# The release of tokens: always of one of the probe's own.


@probe(
    "token_release.available", "token_release.empty_answer", "token_release.ends_token",
    layer="login", cost=3,
)  # fmt: skip
def a_released_token_ends(session: Session) -> None:
    """A token is released; until R12 it works no longer."""
    method = session.method("token_release")
    token = _spare_token(session)
    released = session.send(build(method, {"token": token}))
    ending = not session.release.at_least("R12.0.0")
    if not released.ok and not ending:
        session.findings.chose("tokens.release_from_r12", "withdrawn", released)
        msg = "the target no longer has token_release, which servers may omit from R12.0.0 on"
        raise Unreachable(msg)
    if session.expect_served("token_release.available", released, "the token is valid"):
        used = _use(session, token)
        if ending:
            note_refusal(session, "released_token", used)
            _use(session, token)
        else:
            way = "ignored" if used.ok else "works"
            session.findings.chose("tokens.release_from_r12", way, used)
    _keep_token(session)


def _spare_token(session: Session) -> str:
    may = session.refresher is not None and session.refresher.may_log_in
    token = token_of(ask_for_token(session)) if may else None
    if token is None:
        msg = "needs a login, so that it can release its own token; give --username or --api-key"
        raise Unreachable(msg)
    return token


@probe("token_release.parameters.mandatory", layer="login", cost=1)
def a_release_needs_a_token(session: Session) -> None:
    """token_release without token is refused."""
    session.send(build(session.method("token_release"), {}))
