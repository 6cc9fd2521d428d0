"""Log in, and refresh the token of a run."""

import base64
from dataclasses import replace
from typing import Any

from crmcom_kit.contract_tests.checks.logins import decoded
from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.checks.world import TokenState
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.http import AnswerTooLong, TargetDown, ask_once, http_date
from crmcom_kit.contract_tests.client.made_up import NO_TOKEN
from crmcom_kit.contract_tests.findings import Unreachable, outcome
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.schemas.methods import API_PATH

#: A token is renewed when less than this is left of its life, in seconds, or a tenth of it.
_MARGIN = 60.0

#: So many new tokens are refused in a row before the refusal is about something else.
MAX_NEW_TOKENS = 3


def log_in(session: Session) -> None:
    """Give ``session`` a token, unless it was given one, and a refresher that renews it.

    Raises:
        TargetDown: the target lets the run not in.
        Unreachable: a login was served, and no token came with it.
    """
    try:
        _enter(session)
    except TargetDown:
        # Nobody knows whether the login that was given is right.
        session.findings.by_statement.pop("login.token.returns_token", None)
        history = session.client.history
        if not history or any(each.code is not None for each in history):
            raise
        hint = _hint(session)
        if not hint:
            raise
        session.findings.by_statement.clear()  # whatever answered, it was not what is to be checked
        msg = f"{session.target.base_url} returns HTTP {history[-1].status}, and not as the API "
        msg += f"does: {hint}"
        raise TargetDown(msg) from None


def _hint(session: Session) -> str:
    """Say what the base URL should be if nothing at it speaks as the API does; "" if it may be."""
    target = session.target
    if API_PATH in target.base_url:
        return ""
    inside = f"{target.base_url}{API_PATH}"
    call = build(session.method("list"), {})
    found = ask_once(replace(target, base_url=inside), call, session.client.limits)
    if found is not None and found.code is not None:
        return f"the API is at {inside}; give this as --base-url"
    hint = "--base-url must be the whole base URL of the API, which ends in "
    return f"{hint}{API_PATH}, such as {inside}"


def _enter(session: Session) -> None:
    refresher, given = LoginRefresher(session), session.token
    if given is None:
        refresher.renew()
    else:  # it may be valid or not until the server has said so
        session.world.set_token(given, TokenState.DOUBTFUL)
    refresher.learn_refusal()
    if given is not None:
        if not refresher.is_good():
            seen = outcome(session.client.history[-1])
            msg = f"{session.target.name} does not accept the given token: {seen}"
            raise TargetDown(msg)
        session.world.set_token(given, TokenState.LIVE)
    session.refresher = refresher


def token_of(exchange: Exchange) -> str | None:
    """Return the token that a login answered, or None."""
    token = exchange.data.get("token") if isinstance(exchange.data, dict) else None
    return token if exchange.ok and isinstance(token, str) and token else None


def ask_for_token(session: Session, **changed: Any) -> Exchange:
    """Log in with whatever the target's login has, and return the exchange.

    Args:
        session: where to log in.
        changed: parameters of authentication/token that differ; None leaves one out.
    """
    login = session.target.login
    if login.username is None and login.api_key is not None:
        return session.send(by_key(session, login.api_key, unit=login.unit))
    given = {"username": login.username, "password": login.password}
    given |= {"organisation": login.organisation, "unit": login.unit} | changed
    method = session.method("token")
    return session.send(build(method, {name: value for name, value in given.items() if value}))


def by_key(
    session: Session,
    api_key: str,
    *,
    written: str = "Basic {}",
    behind: str = ":",
    unit: str | None = None,
) -> Call:
    """Build a login by Web API key, sent as HTTP Basic authentication says.

    Args:
        session: where to log in.
        api_key: the Web API key.
        written: the header's value, with ``{}`` for what is encoded.
        behind: what stands behind the key before it is encoded.
        unit: the ID of the unit to act for.
    """
    call = build(session.method("web_api_key_token"), {} if unit is None else {"unit": unit})
    basic = base64.b64encode(f"{api_key}{behind}".encode()).decode()
    headers = (*call.headers, ("Authorization", written.format(basic)))
    return Call(call.method, call.verb, call.path, headers=headers, body=call.body)


class LoginRefresher:
    """Keeps a token that holds: renews it before its JWT ends, and when the target ends it."""

    def __init__(self, session: Session) -> None:
        """Keep ``session``'s token."""
        self._session = session
        self._refusal: tuple[int, Any] | None = None  # how a wrong token is answered
        #: Refusals that a token got that was new: they are not about tokens.
        self._despite_login: list[tuple[int, Any]] = []
        self._ends: float | None = None  # by the client's clock
        self._margin = _MARGIN

    def renew(self) -> None:
        """Log in, and use the token that comes. Raises TargetDown, Unreachable."""
        session = self._session
        self._ends = None
        exchange = ask_for_token(session)
        token = token_of(exchange)
        if not exchange.ok:
            msg = f"{session.target.name} refuses the login: {outcome(exchange)}"
            raise TargetDown(msg)
        if token is None:  # which a check has noticed
            msg = "the login returned no token, and no method can be called without one"
            raise Unreachable(msg)
        session.token = token
        self._read_life(token)

    def _read_life(self, token: str, now: float | None = None) -> None:
        """Find out from a JWT when it ends; ``now`` is the target's clock, or its iat."""
        _, found = decoded(token) or ({}, {})
        until, since = _seconds(found.get("exp")), _seconds(found.get("iat"))
        since = since if now is None else now
        if until is not None and since is not None and until > since:
            self._ends = self._session.client.now() + until - since
            self._margin = min(_MARGIN, (until - since) / 10)

    @property
    def may_log_in(self) -> bool:
        """Whether the target's login has what a login needs."""
        login = self._session.target.login
        return login.username is not None or login.api_key is not None

    def learn_refusal(self) -> None:
        """Learn how the target answers a token that no login returned."""
        exchange = self._list(NO_TOKEN)
        if not exchange.ok:
            self._refusal = (exchange.status, exchange.code)
        if self._ends is None and self._session.token is not None:
            now = http_date(exchange.header("Date"))
            if now is not None:
                self._read_life(self._session.token, now)

    def _list(self, token: str | None) -> Exchange:
        session = self._session
        given = {"token": token, "entity": session.release.entities[0]}
        if "number_of_results" in session.method("list").parameters:
            given["number_of_results"] = "1"
        return session.send(build(session.method("list"), given))

    def is_good(self) -> bool:
        """Whether the target accepts the run's token, as far as a request can tell."""
        tried = self._try(self._session.token)
        return tried is None or tried.ok or (tried.status, tried.code) != self._refusal

    def renew_ahead(self) -> None:
        """Get another token if the present one is about to end."""
        if self._ends is not None and self._session.client.now() > self._ends - self._margin:
            if self.may_log_in:
                self.renew()
            else:
                self._ends = None  # it may hold yet; the target will say

    def renewed_after(self, exchange: Exchange) -> bool:
        """Whether a request was refused for the token's sake, and there is another token now."""
        if self._refusal is None or (exchange.status, exchange.code) != self._refusal:
            return False
        return self.renewed_if_ended(exchange)

    def renewed_if_ended(self, exchange: Exchange) -> bool:
        """Whether the token has ended, by a request that the documents want served.

        How an ended token is refused is open: it has when the simplest request is refused in the
        same way.
        """
        if (exchange.status, exchange.code) in self._despite_login:
            return False
        used = self._session.token
        tried = self._try(used)
        if tried is None or tried.ok:
            return False
        refusal = (tried.status, tried.code)
        if refusal not in (self._refusal, (exchange.status, exchange.code)):
            return False
        if self._session.token != used:
            return True  # that refusal was followed up, and another token is here already
        if not self.may_log_in:
            msg = f"the token of {self._session.target.name} expired during the run; "
            msg += "give --username and --password, so that the run can log in again"
            raise TargetDown(msg)
        for _ in range(MAX_NEW_TOKENS):  # what ends one token may end the next one, too
            self.renew()
            again = self._try(self._session.token)
            if again is None or (again.status, again.code) != refusal:
                return True
            tried = again
        self._require_acceptance(tried)
        self._despite_login.append(refusal)
        return False

    def _require_acceptance(self, refused: Exchange) -> None:
        """Raise Unreachable, and note it, if no request with a login's token is ever served.

        Other entities and another method are tried: what is refused may be wrong by itself.
        """
        session, wording = self._session, (refused.status, refused.code)
        if session.method("list").deprecated:
            return  # it may be withdrawn
        if any(each.ok and each.call.method in ("show", "list") for each in session.client.history):
            return
        requests: list[tuple[str, Any]] = [("show", {IDENTIFIER: {"id": session.nowhere["id"]}})]
        requests += [("list", {"entity": each}) for each in session.release.entities[1:4]]
        with session.follow_up.following():
            tried = [
                session.send(build(session.method(name), {"token": session.token, **given}))
                for name, given in requests
            ]
        if any((each.status, each.code) != wording for each in tried):
            return
        login = next(each for each in reversed(session.client.history) if token_of(each))
        session.expect(
            "login.token.returns_token", login, refused, kept=False,
            expected="a token that the server accepts",
            seen=f"each of {len(tried) + 1} requests with it returns {outcome(refused)}",
        )  # fmt: skip
        session.checker.refused.clear()
        msg = "the server accepts no token of its own logins, and no method can be called"
        raise Unreachable(msg)

    def _try(self, token: str | None) -> Exchange | None:
        """Send the simplest request; None if its response is too long, as no refusal is."""
        try:
            return self._list(token)
        except AnswerTooLong:
            return None


def _seconds(claim: object) -> float | None:
    if isinstance(claim, str) and claim.isascii() and claim.isdigit():
        return float(claim)
    try:
        return float(claim) if isinstance(claim, int | float) else None
    except OverflowError:  # a number of hundreds of digits
        return None
