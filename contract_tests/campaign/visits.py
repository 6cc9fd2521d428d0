"""Visits: log in once more, and see at once what the token is good for.

A template is one request. What is visited here takes two: a login, and a request with its token
right after it, since how many tokens live at once is open. A visit is confirmed by visiting again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crmcom_kit.contract_tests.campaign.session import Sent, Session
from crmcom_kit.contract_tests.campaign.tokens import MAX_NEW_TOKENS
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange, token_of
from crmcom_kit.contract_tests.findings import outcome
from crmcom_kit.contract_tests.oracle.logins import decoded
from crmcom_kit.contract_tests.oracle.suspicions import Asker, Case, Hypothesis, Suspicion
from crmcom_kit.contract_tests.templates.logins import by_key, by_password

Visit = Callable[[Session], Iterator[Suspicion]]

#: The members of log_information that hold units; the last two from R18 on.
UNITS = (
    "created_by_unit", "updated_by_unit", "created_by_business_unit", "updated_by_business_unit",
)  # fmt: skip
MAX_UNITS = 2


@dataclass(frozen=True, slots=True)
class Revisit:
    """The same visit comes to the same each time."""

    visit: Visit
    session: Session

    def settle(self, case: Case, asker: Asker, /) -> bool:
        """Visit again as often as it takes."""
        for _ in range(asker.hits - 1):
            found = [each.hypotheses[0].statement for each in self.visit(self.session)]
            if case.statement not in found:
                return False
        return True


def a_login_returns_a_token_that_works(session: Session) -> Iterator[Suspicion]:
    """With the token that a login returns requests are served."""
    call = session.tokens.login()
    if call is None:
        return
    sent = _send(session, call)
    yield from _works(session, sent.exchange, a_login_returns_a_token_that_works)


def _works(session: Session, login: Exchange, visit: Visit) -> Iterator[Suspicion]:
    """Find out whether a token is accepted; one may end at any time, so others are tried."""
    for _ in range(MAX_NEW_TOKENS):
        token = token_of(login)
        if token is None:
            return
        used = _use(session, token)
        if (used.status, used.code) != session.tokens.refusal:
            if used.ok:
                session.findings.hold("login.token.returns_token", used)
            return
        login = _send(session, login.call).exchange
    if session.method("list").deprecated and not session.records:
        return  # it may be withdrawn
    yield _suspicion(
        session, visit, "login.token.returns_token", used, "a token that the server accepts",
        f"with the token, list returns {outcome(used)}, as without a login",
    )  # fmt: skip


def a_login_may_name_a_unit(session: Session) -> Iterator[Suspicion]:
    """A login is served with the ID of a unit, and without; the token is that of the unit."""
    scene, ours = session.scene, session.target.own
    may_refuse = scene.login.unit is None and not ours
    for log_in in _logins(session):
        if may_refuse and not _send(session, log_in(None)).exchange.ok:
            continue  # in any case
        for unit in list(_units(session))[:MAX_UNITS]:
            login = _send(session, log_in(unit)).exchange
            if login.ok:
                session.findings.hold("login.unit", login)
                yield from _names_unit(session, unit, login)
                yield from _works(session, login, a_login_may_name_a_unit)
            elif not may_refuse:
                wanted = "OK: unit is the ID of a unit"
                yield _suspicion(
                    session, a_login_may_name_a_unit, "login.unit", login, wanted, outcome(login)
                )


def _logins(session: Session) -> Iterator[Callable[[str | None], Call | None]]:
    """Yield what makes a login for a unit, or for none: by password, and by Web API key."""
    given = {name: text for name, text in by_password(session.scene).items() if name != "unit"}
    if given:
        method = session.method("token")
        yield lambda unit: build(method, given if unit is None else {**given, "unit": unit})
    key = session.scene.login.api_key
    about = session.scene.method("web_api_key_token")
    if key is not None and about is not None:
        yield lambda unit: by_key(session.scene, f"{key}:", unit=unit)


def _units(session: Session) -> Iterator[str]:
    """Yield the ids of units to log in for: the one of the login, or those that are known."""
    if session.scene.login.unit is not None:
        yield session.scene.login.unit
    else:
        yield from dict.fromkeys(each["id"] for each in _seen_units(session))


def _seen_units(session: Session) -> Iterator[Mapping[str, Any]]:
    """Yield the units that webhook requests show."""
    for record in session.records.values():
        log = record.get("log_information")
        for member in UNITS:
            unit = log.get(member) if isinstance(log, Mapping) else None
            if isinstance(unit, Mapping) and isinstance(unit.get("id"), str):
                yield unit


def _names_unit(session: Session, key: str, login: Exchange) -> Iterator[Suspicion]:
    """Check the claim oun, if it is the name or the ID of a unit that is known."""
    found = decoded(token_of(login) or "")
    claim = found[1].get("oun") if found is not None else None
    if not session.scene.release.at_least("R12.0.0") or not isinstance(claim, str):
        return
    named: dict[str, set[Any]] = {}
    for unit in _seen_units(session):
        named.setdefault(unit["id"], set()).update((unit["id"], unit.get("name")))
    is_known = any(claim in names for names in named.values())
    if is_known and claim not in named.get(key, {key}):
        yield _suspicion(
            session, a_login_may_name_a_unit, "login.unit", login, f"a token for the unit {key}",
            f"the claim oun {claim}",
        )  # fmt: skip


def a_web_api_key_logs_in(session: Session) -> Iterator[Suspicion]:
    """HTTP Basic authentication with a Web API key and an empty password gives a token."""
    key = session.scene.login.api_key
    if key is None or session.scene.method("web_api_key_token") is None:
        return
    available, basic, colon = (
        "web_api_key_token.available", "login.web_api_key.basic", "login.web_api_key.colon",
    )  # fmt: skip
    login = _send(session, by_key(session.scene, f"{key}:")).exchange
    bare = _send(session, by_key(session.scene, key)).exchange
    chose = session.findings.chose
    if login.ok:
        for each in (available, basic, colon):
            session.findings.hold(each, login)
        chose("login.basic_without_colon", bare.ok, bare)
        lower = _send(session, by_key(session.scene, f"{key}:", "basic {}")).exchange
        chose("login.basic_any_case", lower.ok, lower)
        return
    statement = colon
    if not bare.ok:
        turned = _send(session, by_key(session.scene, f":{key}")).exchange
        statement = basic if turned.ok else available
    wanted = "OK: the key is the user name, the password empty"
    yield _suspicion(session, a_web_api_key_logs_in, statement, login, wanted, outcome(login))


def a_released_token_ends(session: Session) -> Iterator[Suspicion]:
    """A token of a login of its own is released; until R12 it works no longer."""
    method, call = session.scene.method("token_release"), session.tokens.login()
    if method is None or call is None:
        return
    token = token_of(_send(session, call).exchange)
    if token is None:
        return
    released = _send(session, build(method, {"token": token})).exchange
    is_ending = not session.scene.release.at_least("R12.0.0")
    if not released.ok:
        if is_ending:
            yield _suspicion(
                session, a_released_token_ends, "token_release.available", released,
                "OK: the token is valid", outcome(released),
            )  # fmt: skip
        else:  # servers may omit it from then on
            session.findings.chose("tokens.release_from_r12", "withdrawn", released)
        return
    session.findings.hold("token_release.available", released)
    used = _use(session, token)  # by which the oracle holds that it has ended
    if not is_ending:
        way = "ignored" if used.ok else "works"
        session.findings.chose("tokens.release_from_r12", way, used)


VISITS: tuple[Visit, ...] = (
    a_login_returns_a_token_that_works,
    a_login_may_name_a_unit,
    a_web_api_key_logs_in,
    a_released_token_ends,
)


def _use(session: Session, token: str) -> Exchange:
    """Make a request that any valid token lets through."""
    entity = session.scene.release.entities[0]
    return _send(
        session, build(session.method("list"), {"token": token, "entity": entity})
    ).exchange


def _send(session: Session, call: Call | None) -> Sent:
    """Send a request; what is suspect in it waits in the queue, except in refusals.

    What a refusal comes to is for the visit to say.
    """
    assert call is not None  # noqa: S101 - for the type checker: the release has the method
    sent = session.send(call)
    if sent.exchange.ok:
        session.queue += sent.suspicions
    return sent


def _suspicion(
    session: Session, visit: Visit, statement: str, exchange: Exchange, expected: str, seen: str
) -> Suspicion:
    hypothesis = Hypothesis(statement, Revisit(visit, session))
    return Suspicion(exchange, expected, seen, (hypothesis,))
