"""Probes of calling: paths, verbs, the place of parameters, and the token."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.checks.logins import decoded
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.calls import build, query
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.made_up import NOWHERE, WRONG_TOKEN
from crmcom_kit.contract_tests.findings import Unreachable, outcome
from crmcom_kit.contract_tests.probes.helpers import (
    JSON,
    body,
    breadth,
    in_service,
    refused,
    sample,
    show,
)
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session


def named(record: Record) -> dict[str, Any]:
    """Return the parameters that name ``record``."""
    return {"webhook_request_identifier": {"id": record["id"]}}


@probe("methods.available", "methods.path", layer="read", cost=4)
def methods_are_where_their_pages_say(session: Session) -> None:
    """The four methods are known at their paths, unlike a path that no page has."""
    record = sample(session, 1)[0]
    unknown = session.send(
        Call("", "GET", "webhook_requests/nosuch", query({"token": session.token}))
    )
    note_refusal(session, "unknown_method", unknown)
    entity = {"entity": record["entity"]}
    for name, parameters in (("show", named(record)), ("list", entity)):
        exchange = session.call(name, parameters)
        session.expect(
            "methods.available",
            exchange,
            unknown,
            kept=exchange.ok or _worded(exchange) != _worded(unknown),
            expected=f"{name} at {session.method(name).path}",
            seen=f"the answer of a path that does not exist: {outcome(exchange)}",
        )
    if session.allowed:
        token = {"token": session.token}
        unknown = session.send(Call("", "POST", "webhook_requests/nosuch", "", body(token), JSON))
        shown = show(session, {"id": NOWHERE["id"]})
        for name in sorted(session.allowed):
            _is_there(session, name, unknown, shown)


def _is_there(session: Session, name: str, unknown: Exchange, shown: Exchange) -> None:
    """Check whether a changing method is known, by how it misses a webhook request."""
    method = session.method(name)
    exchange = session.call(name, {"webhook_request_identifier": {"id": NOWHERE["id"]}})
    gone = _worded(exchange) == _worded(unknown) and _worded(shown) != _worded(unknown)
    session.expect(
        "methods.available",
        unknown,
        exchange,
        kept=not gone,
        expected=f"{name} at {method.path}",
        seen=f"the answer of a path that does not exist: {outcome(exchange)}",
    )


def _worded(exchange: Exchange) -> tuple[int, Any]:
    return exchange.status, exchange.code


@probe("methods.trailing_slash", layer="read", cost=4)
def a_slash_behind_the_name_is_nothing(session: Session) -> None:
    """Show and list are served with a slash behind their names."""
    record = sample(session, 1)[0]
    for name, parameters in (
        ("show", named(record)),
        ("list", {"entity": record["entity"], "entity_id": record["entity_id"]}),
    ):
        if not session.call(name, parameters).ok:
            continue  # other probes tell why
        call = build(session.method(name), {"token": session.token, **parameters})
        slashed = Call(name, call.verb, f"{call.path}/", call.query, parameters=call.parameters)
        exchange = session.send(slashed)
        session.expect_served(
            "methods.trailing_slash", exchange, f"the path {call.path}/ is {name}'s"
        )


@probe("methods.verb", layer="read", cost=2)
def reading_methods_are_called_with_get(session: Session) -> None:
    """Show and list are served with GET, and not with POST."""
    record = sample(session, 1)[0]
    entity = {"entity": record["entity"], "entity_id": record["entity_id"]}
    for name, parameters in (("show", named(record)), ("list", entity)):
        given = {"token": session.token, **parameters}
        right = session.call(name, parameters)
        path = session.method(name).path
        wrong = session.send(Call(name, "POST", path, query(given), body(given), JSON, given))
        if not right.ok and wrong.ok:
            session.expect_served("methods.verb", right, f"{name} is called with GET")
        else:
            refused(session, "methods.verb", wrong, f"{name} is called with GET", "wrong_verb")


@probe("parameters.place", layer="read", cost=3)
def get_reads_the_query_alone(session: Session) -> None:
    """A GET does not find its parameters in a body."""
    record = sample(session, 1)[0]
    method = session.method("show")
    token, rest = {"token": session.token}, named(record)
    for in_query, in_body in ((token, rest), ({}, {**token, **rest})):
        exchange = session.send(_with_body(method.path, in_query, in_body))
        why = "a GET reads its parameters from the query"
        if exchange.ok and session.findings.is_broken(
            "show.parameters.mandatory", "token.required"
        ):
            continue  # told already
        refused(session, "parameters.place", exchange, why)
    both = session.send(_with_body(method.path, {**token, **rest}, {"fields_set": "id"}))
    session.findings.chose("requests.body_on_get", "ignore" if both.ok else "error", both)
    if not both.ok:
        note_refusal(session, "misplaced_parameter", both)


def _with_body(path: str, in_query: Mapping[str, Any], in_body: Mapping[str, Any]) -> Call:
    return Call("show", "GET", path, query(in_query), body(in_body), JSON)


@probe("parameters.body", layer="login", cost=4)
def a_body_is_one_object(session: Session) -> None:
    """A login whose body is an array, or no JSON, is refused; as an object the same is served."""
    login = session.target.login
    if not (login.username and login.password):
        msg = "no user name and password; a run with both reaches it"
        raise Unreachable(msg)
    names = ("username", "password", "organisation", "unit")
    given = {name: getattr(login, name) for name in names if getattr(login, name)}
    path = session.method("token").path
    bodies = {
        "an array": body([given]),
        "a text": body(json.dumps(given)),
        "no JSON": body(given)[:-1],
    }
    for what, content in bodies.items():
        exchange = session.send(Call("token", "POST", path, "", content, JSON))
        why = f"the body is {what}"
        refused(session, "parameters.body", exchange, why, "bad_body")
    odd = body(given)[:-1] + b', "unit": "\xff"}'
    note_refusal(session, "bad_charset", session.send(Call("token", "POST", path, "", odd, JSON)))


@probe("token.required", layer="read", cost=5)
def nothing_without_a_token(session: Session) -> None:
    """Show and list without token are refused."""
    record = sample(session, 1)[0]
    without = _show_with(session, record, {})
    refused(session, "token.required", without, "there is no token", "missing_token")
    entity = {"entity": record["entity"]}
    for _ in range(breadth(session, 1, 3)):
        listed = session.send(build(session.method("list"), entity))
        refused(session, "token.required", listed, "there is no token", "missing_token")
    _note_order(session, without)
    bearer = (("Authorization", f"Bearer {session.token}"),)
    call = build(session.method("show"), named(record))
    exchange = session.send(Call("show", "GET", call.path, call.query, None, bearer))
    session.findings.chose("requests.token_in_header", exchange.ok, exchange)


def _show_with(session: Session, record: Record, token: Mapping[str, Any]) -> Exchange:
    return session.send(build(session.method("show"), {**token, **named(record)}))


def _note_order(session: Session, without: Exchange) -> None:
    """Note whether a missing token comes before a missing parameter."""
    neither = session.send(Call("show", "GET", session.method("show").path))
    unnamed = session.call("show")
    if without.code != unnamed.code and neither.code in (without.code, unnamed.code):
        session.findings.chose("errors.token_first", neither.code == without.code, neither)


@probe("token.from_login", layer="read", cost=7)
def only_a_token_of_a_login(session: Session) -> None:
    """Tokens that no login returned are refused: made up, empty, changed, signed by others."""
    record = sample(session, 1)[0]
    in_service(session)
    for what, token in _wrong_tokens(session.token or ""):
        exchange = _show_with(session, record, {"token": token})
        kind = "invalid_token" if what == "a made-up text" else None
        refused(session, "token.from_login", exchange, f"the token is {what}", kind)


def _wrong_tokens(token: str) -> Iterator[tuple[str, str]]:
    """Yield tokens that no login has returned, and what each one is."""
    yield "a made-up text", WRONG_TOKEN
    yield "empty", ""
    yield "a login's without its last character", token[:-1]
    yield "a login's with another first character", f"{'B' if token[:1] == 'A' else 'A'}{token[1:]}"
    found = decoded(token)
    if found is None:
        return
    header, payload, signature = token.split(".")
    other = f"{'B' if signature[:1] == 'A' else 'A'}{signature[1:]}"
    yield "a login's with another signature", ".".join((header, payload, other))
    longer = {**found[1], "exp": "4102444800"}
    yield "a login's with another end", ".".join((header, _coded(longer), signature))
    unsigned = {**found[0], "alg": "none"}
    yield "a login's without a signature", ".".join((_coded(unsigned), payload, ""))


def _coded(part: Mapping[str, Any]) -> str:
    text = json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()
