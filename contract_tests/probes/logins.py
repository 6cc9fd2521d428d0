"""Probes of the login methods: who can log in, and what the token is good for."""

from collections.abc import Iterator, Mapping
from typing import Any

from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.made_up import NO_KEY, NO_PASSWORD, NO_TOKEN
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.login import ask_for_token, by_key, token_of
from crmcom_kit.contract_tests.own_world import units
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session, outcome

MANDATORY = ("username", "password", "organisation")
_JWT = tuple(f"login.token.{name}" for name in ("jwt", "jwt_header", "jwt_claims", "jwt_times"))


def _needs_password(session: Session) -> None:
    if session.target.login.username is None or session.target.login.password is None:
        msg = "needs a login by user name, password and organisation"
        raise Unreachable(msg)


def _api_key(session: Session) -> str:
    session.method("web_api_key_token")
    if session.target.login.api_key is None:
        msg = "needs a Web API key; give one with --api-key"
        raise Unreachable(msg)
    return session.target.login.api_key


def use(session: Session, token: str | None) -> Exchange:
    """Make a call that any token lets through."""
    return session.call("list", {"token": token, "entity": session.release.entities[0]})


@probe("login.token.returns_token", *_JWT, layer="login", cost=3)
def a_login_returns_a_token_that_works(session: Session) -> None:
    """A login returns a token, and with it calls are served; checks look at its form."""
    if session.target.login.username is None and session.target.login.api_key is None:
        msg = "needs a login, and not a token alone"
        raise Unreachable(msg)
    exchange = ask_for_token(session)
    token = token_of(exchange)
    if token is None:
        if not exchange.ok:
            msg = f"a second login was refused: {outcome(exchange)}"
            raise Unreachable(msg)
        return
    used, unknown = use(session, token), use(session, NO_TOKEN)
    as_wrong = (used.status, used.code) == (unknown.status, unknown.code)
    if used.ok or as_wrong:  # any other error is about list
        session.expect(
            "login.token.returns_token",
            exchange,
            used,
            kept=used.ok,
            expected="a token with which calls are served",
            seen=f"with the token list is answered {outcome(used)}, as without a login",
        )


@probe("login.credentials", layer="login", cost=5)
def wrong_credentials_are_refused(session: Session) -> None:
    """A wrong user name, password, organisation or Web API key gives an error and no token."""
    exchanges = list(_wrong_logins(session))
    if not exchanges:
        msg = "needs a login by user name and password, or a Web API key"
        raise Unreachable(msg)
    for what, exchange in exchanges:
        given = exchange.data.get("token") if isinstance(exchange.data, dict) else None
        session.expect(
            "login.credentials",
            exchange,
            kept=not exchange.ok and not given,
            expected=f"an error and no token: the {what} is wrong",
            seen="OK" if exchange.ok else "a token in spite of the error",
        )


def _wrong_logins(session: Session) -> Iterator[tuple[str, Exchange]]:
    """Log in with one thing wrong each time, and once rightly: no real user gets locked out."""
    login = session.target.login
    if login.username is not None and login.password is not None:
        yield "user name", ask_for_token(session, username="crmcom-kit-nobody")
        yield "organisation", ask_for_token(session, organisation="crmcom-kit-nowhere")
        yield "password", ask_for_token(session, password=NO_PASSWORD)
        ask_for_token(session)
    if login.api_key is not None and session.release.web_api_key_token is not None:
        yield "Web API key", session.send(by_key(session, NO_KEY))


@probe("token.parameters.mandatory", layer="login", cost=3)
def a_login_needs_all_three(session: Session) -> None:
    """A login without user name, password or organisation is refused."""
    _needs_password(session)
    for name in MANDATORY:
        login = session.target.login
        given = {each: getattr(login, each) for each in MANDATORY if each != name}
        given = {each: value for each, value in given.items() if value is not None}
        exchange = session.send(build(session.method("token"), given))
        session.expect_refused("token.parameters.mandatory", exchange, f"{name} is missing")


@probe("login.unit", layer="login", cost=3)
def a_login_may_name_a_unit(session: Session) -> None:
    """A login is served with the ID of a unit, and without."""
    _needs_password(session)
    known, why = _unit(session)
    exchange = ask_for_token(session, unit=known["id"])
    if not exchange.ok and why:
        raise Unreachable(why)
    session.expect_served("login.unit", exchange, "unit is the ID of a unit")
    if session.target.login.unit is None:
        session.expect_served("login.unit", ask_for_token(session), "unit may be left out")
    name = known.get("name")
    if isinstance(name, str) and name not in ("", known["id"]):
        by_name = ask_for_token(session, unit=name)
        session.findings.chose("login.unit_by_name", by_name.ok, by_name)


def _unit(session: Session) -> tuple[Mapping[str, Any], str]:
    """Return a unit to log in for, and why it may be refused, where that is no wonder."""
    login = session.target.login
    if login.unit is not None:
        return {"id": login.unit}, ""
    if session.target.entries:
        wanted = units(session.target.entries)[-1]
        found = (each["unit"] for each in session.target.entries if "unit" in each)
        return next(each for each in found if each["id"] == wanted), ""
    for record in session.pool.known():
        log = record.get("log_information")
        for member in ("created_by_unit", "created_by_business_unit"):
            unit = log.get(member) if isinstance(log, Mapping) else None
            if isinstance(unit, Mapping) and isinstance(unit.get("id"), str):
                return unit, "the user may not act for the units seen; name one with --unit"
    msg = "no unit is known; name one with --unit"
    raise Unreachable(msg)


# Web API keys.


@probe(
    "web_api_key_token.available",
    "login.web_api_key.basic",
    "login.web_api_key.colon",
    layer="login",
    cost=3,
)
def a_web_api_key_logs_in(session: Session) -> None:
    """HTTP Basic authentication with a Web API key and an empty password gives a token."""
    key = _api_key(session)
    exchange = session.send(by_key(session, key))
    bare = session.send(by_key(session, key, behind=""))
    if exchange.ok:
        for name in ("web_api_key_token.available", "login.web_api_key.basic"):
            session.expect_served(name, exchange, "the key is the user name, the password empty")
        session.expect_served("login.web_api_key.colon", exchange, "a colon stands behind the key")
        session.findings.chose("login.basic_without_colon", bare.ok, bare)
        lower = session.send(by_key(session, key, written="basic {}"))
        session.findings.chose("login.basic_any_case", lower.ok, lower)
    elif bare.ok:
        session.expect_served("login.web_api_key.colon", exchange, "a colon stands behind the key")
    else:
        as_password = session.send(by_key(session, f":{key}", behind=""))
        session.expect_served(
            "login.web_api_key.basic" if as_password.ok else "web_api_key_token.available",
            exchange,
            "the key is the user name, the password empty",
        )


@probe("login.unit", layer="login", cost=1, needs="web_api_key_token")
def a_login_by_key_may_name_a_unit(session: Session) -> None:
    """A login by Web API key is served with the ID of a unit."""
    key = _api_key(session)
    known, why = _unit(session)
    exchange = session.send(by_key(session, key, unit=str(known["id"])))
    if not exchange.ok and (why or not session.send(by_key(session, key)).ok):
        raise Unreachable(why or "a login by Web API key is refused in any case")
    session.expect_served("login.unit", exchange, "unit is the ID of a unit")


@probe("web_api_key_token.parameters.mandatory", layer="login", cost=2)
def a_web_api_key_is_needed(session: Session) -> None:
    """Without a Web API key there is no token."""
    for call in (build(session.method("web_api_key_token"), {}), by_key(session, "")):
        exchange = session.send(call)
        why = "the call has no Web API key"
        session.expect_refused("web_api_key_token.parameters.mandatory", exchange, why)


# The release of tokens: always of one of the probe's own.


@probe(
    "token_release.available",
    "token_release.empty_answer",
    "token_release.ends_token",
    layer="login",
    cost=3,
)
def a_released_token_ends(session: Session) -> None:
    """A token is released; until R12 it works no longer."""
    method = session.method("token_release")
    token = _spare_token(session)
    released = session.send(build(method, {"token": token}))
    ending = not session.release.at_least("R12.0.0")
    if not released.ok and not ending:
        session.findings.chose("tokens.release_from_r12", "withdrawn", released)
        msg = "the target has token_release no longer, which from R12.0.0 on is a choice"
        raise Unreachable(msg)
    if not session.expect_served("token_release.available", released, "the token is a live one"):
        return
    used = use(session, token)
    if ending:
        session.expect(
            "token_release.ends_token",
            released,
            used,
            kept=not used.ok,
            expected="an error: the token was released",
            seen=f"list is answered {outcome(used)}",
        )
    else:
        way = "ignored" if used.ok else "works"
        session.findings.chose("tokens.release_from_r12", way, used)


def _spare_token(session: Session) -> str:
    token = token_of(ask_for_token(session)) if _may_log_in(session) else None
    if token is None:
        msg = "needs a login, to release a token of its own"
        raise Unreachable(msg)
    return token


def _may_log_in(session: Session) -> bool:
    return session.target.login.username is not None or session.target.login.api_key is not None


@probe("token_release.parameters.mandatory", layer="login", cost=1)
def a_release_needs_a_token(session: Session) -> None:
    """token_release without token is refused."""
    exchange = session.send(build(session.method("token_release"), {}))
    session.expect_refused("token_release.parameters.mandatory", exchange, "token is missing")


@probe("login.token.returns_token", layer="login", cost=1)
def earlier_tokens_live_on(session: Session) -> None:
    """After other logins the run's own token works; where it does not, the kit gets another."""
    before = session.token
    exchange = session.call("list", {"entity": session.release.entities[0]})
    if exchange.ok and session.token == before:
        session.expect_served("login.token.returns_token", exchange, "a login returned the token")
