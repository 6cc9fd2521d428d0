"""Probes of connectivity: whether a method can be called at all, and if not, why.

They come before the other probes of their layer. A method that answers every request in the same
words has not read it; what it makes of a request written another way tells what is wrong.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.calls import build, query
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.made_up import NOWHERE, WRONG_TOKEN
from crmcom_kit.contract_tests.findings import Unreachable, Violation, outcome
from crmcom_kit.contract_tests.probes.helpers import (
    JSON,
    STATES,
    body,
    by_entity,
    expect_served_as,
    sample,
    show,
)
from crmcom_kit.contract_tests.probes.registry import Layer, probe
from crmcom_kit.contract_tests.session import Session

_STATEMENTS = (
    "methods.available", "methods.path", "methods.verb", "parameters.place", "parameters.body",
    "parameters.identifier_in_query", "parameters.identifier_in_body",
)  # fmt: skip


def _wording(exchange: Exchange) -> tuple[int, str, str]:
    """Return how a response is worded, whatever its code and message are."""
    return exchange.status, repr(exchange.code), repr(exchange.message)


def _read_nothing(session: Session, method: str, exchanges: list[Exchange]) -> bool:
    """Whether a method answers all these requests alike, and unlike another method's misses."""
    words = {_wording(exchange) for exchange in exchanges}
    if any(exchange.ok for exchange in exchanges) or len(words) > 1:
        return False
    sister = session.call("list") if method == "show" else show(session, {"id": NOWHERE["id"]})
    return _wording(sister) not in words


def _is_absent(session: Session, exchange: Exchange) -> bool:
    """Whether a method is answered as a path that does not exist, and other methods are not."""
    call = exchange.call
    if exchange.ok or (session.method(call.method).deprecated and not len(session.pool)):
        return False  # what is deprecated may be withdrawn
    known, sister = session.world.records, "list" if call.method == "show" else "show"
    given = {"entity": session.release.entities[0]} if sister == "list" else {
        IDENTIFIER: {"id": next(iter(known), NOWHERE["id"])}
    }  # fmt: skip
    nowhere = replace(call, method="", path=f"{call.path}_nosuch")
    alike = _wording(session.send(nowhere))[:2] == _wording(exchange)[:2]
    return alike and _wording(session.call(sister, given))[:2] != _wording(exchange)[:2]


def _is_missing(session: Session, method: str, exchanges: list[Exchange]) -> None:
    """Note that a method is not there at all, be it answered with JSON or not."""
    for statement in ("methods.available", "methods.path"):
        way = session.method(method)
        violation = Violation(
            statement, *exchanges, expected=f"{method} with {way.verb} at {way.path}",
            seen=f"it is answered as a path that does not exist: {outcome(exchanges[-1])}",
        )  # fmt: skip
        session.note(exchanges[-1], [violation])
    session.observed.unusable[method] = "methods.available"
    session.allowed -= {method}


def _cannot_be_called(session: Session, method: str, exchanges: list[Exchange], *ways: str) -> None:
    """Note which of these statements keep callers from a method."""
    way = session.method(method)
    expected = f"{method} with {way.verb} at {way.path}"
    seen = f"every request is answered {outcome(exchanges[-1])}"
    for statement in ways:
        session.expect(statement, *exchanges, kept=False, expected=expected, seen=seen)
    session.observed.unusable[method] = ways[0]
    session.allowed -= {method}


@probe(*_STATEMENTS[:3], "parameters.identifier_in_query", layer="read", finds_causes=True)
def show_can_be_called(session: Session) -> None:
    """Show reads its requests; if it does not, other ways to write them tell why."""
    record = session.record()
    named = {"id": record["id"]}
    first = show(session, named)
    second = first if first.ok else show(session, {"number": record.get("number")})
    if second.ok:
        return
    path, token = session.method("show").path, {"token": session.token}
    missed = show(session, {"id": NOWHERE["id"]})
    right = {**token, IDENTIFIER: named}
    encoded = query(right).replace(f"{IDENTIFIER}=id=", f"{IDENTIFIER}=id%3D")
    ways = {
        "parameters.identifier_in_query": Call("show", "GET", path, encoded),
        "methods.verb": Call("show", "POST", path, query(right), body(right), JSON, right),
        "parameters.place": Call("show", "GET", path, "", body(right), JSON),
    }
    for statement, call in ways.items():
        exchange = session.send(call)
        if exchange.ok:
            _cannot_be_called(session, "show", [first, exchange], statement)
            return
    flat = session.send(Call("show", "GET", path, query({**token, **named})))
    if flat.ok:
        _cannot_be_called(session, "show", [first, flat], "parameters.identifier_in_query")
    elif _is_absent(session, missed):
        _is_missing(session, "show", [first, second])
    elif _read_nothing(session, "show", [first, second, missed]):
        if _wording(session.call("show")) != _wording(first):
            _cannot_be_called(session, "show", [first, flat], "parameters.identifier_in_query")
        else:
            _cannot_be_called(session, "show", [first, second], "methods.available", "methods.path")


@probe(
    "list.optional_parameters", "methods.available", "methods.verb", layer="read", finds_causes=True
)
def list_can_be_called(session: Session) -> None:
    """List is served by entity alone; if none is, something optional or another verb is missing."""
    if len(session.pool):
        return
    given = {"token": session.token, "entity": session.release.entities[0]}
    first = session.call("list", given)
    path = session.method("list").path
    ways = {
        "list.optional_parameters": [
            build(session.method("list"), {**given, name: value})
            for name, value in (("fields_set", "id"), ("life_cycle_state", "REJECTED"))
        ],
        "methods.verb": [Call("list", "POST", path, query(given), body(given), JSON, given)],
    }
    for statement, calls in ways.items():
        for call in () if first.ok else calls:
            exchange = session.send(call)
            if exchange.ok:
                _cannot_be_called(session, "list", [exchange, first], statement)
                return
    if _is_absent(session, first):
        _is_missing(session, "list", [first])


@probe("methods.trailing_slash", layer="read", cost=4)
def a_slash_behind_the_name_is_nothing(session: Session) -> None:
    """Show and list are served with a slash behind their names."""
    record = sample(session, 1)[0]
    for name, parameters in (
        ("show", {IDENTIFIER: {"id": record["id"]}}),
        ("list", by_entity(record)),
    ):
        plain = session.call(name, parameters)
        if plain.ok:  # else others tell why
            call = replace(plain.call, path=f"{plain.call.path}/")
            why = f"the path {call.path} is {name}'s"
            slashed = session.send(call)
            expect_served_as(session, "methods.trailing_slash", slashed, plain, why)
            if slashed.ok and not session.small_budget:
                _behind_the_slash(session, plain.call, record)


def _behind_the_slash(session: Session, call: Call, record: Record) -> None:
    """Make requests with a slash that do not only ask for what there is: the checks know more."""
    method, given = session.method(call.method), dict(call.parameters)
    others = [{**given, "token": WRONG_TOKEN}]
    if call.method == "list":
        others += [{**given, "life_cycle_state": state} for state in STATES]
        others += [{**given, "url": f"{record['url']}/nowhere"}]
    for parameters in others:
        other = build(method, parameters)
        session.send(replace(other, path=f"{other.path}/"))


def _tries(session: Session, method: str) -> Iterator[Exchange]:
    """Yield responses to requests of a changing method that must differ, harmless first."""
    for name, value in NOWHERE.items():
        yield session.call(method, {IDENTIFIER: {name: value}})
    for record in session.pool.known("REJECTED"):
        if session.pool.may_change(record):  # and it is named without a token
            yield session.send(build(session.method(method), {IDENTIFIER: {"id": record["id"]}}))
            return


def _can_be_called(session: Session, method: str) -> None:
    """Check whether a changing method reads its requests, by how it misses what exists nowhere."""
    if method not in session.allowed:
        msg = f"{method} is not allowed; allow it with --allow {method}"
        raise Unreachable(msg)
    tries = list(_tries(session, method))
    missed = show(session, {"id": NOWHERE["id"]})
    misses = {_wording(each)[:2] for each in tries[:2]}
    if len(misses) > 1 or tries[0].ok or _wording(missed)[:2] in misses:
        return  # it looked for the webhook request
    token: Mapping[str, Any] = {"token": session.token}
    is_absent = _is_absent(session, tries[0])
    nowhere = {**token, IDENTIFIER: {"id": NOWHERE["id"]}}
    path = session.method(method).path
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    text = {**token, IDENTIFIER: f"id={NOWHERE['id']}"}
    ways = {
        "parameters.identifier_in_body": Call(method, "POST", path, "", body(text), JSON),
        "parameters.place": Call(method, "POST", path, query(nowhere), b"{}", JSON),
    }
    if is_absent:
        ways["methods.verb"] = Call(method, "GET", path, query(nowhere))
    for statement, call in ways.items():
        exchange = session.send(call)
        if _wording(exchange)[:2] == _wording(missed)[:2]:
            _cannot_be_called(session, method, [*tries[:2], exchange], statement)
            return
    if is_absent:
        _is_missing(session, method, tries)
    elif _read_nothing(session, method, tries):
        filled = session.send(Call(method, "POST", path, "", query(nowhere).encode(), form))
        if _wording(filled) != _wording(tries[0]):
            _cannot_be_called(session, method, [*tries[:2], filled], "parameters.body")
        else:
            _cannot_be_called(session, method, tries, "methods.available", "methods.path")


_METHODS: tuple[Layer, ...] = ("resend", "delete")
for _method in _METHODS:
    probe(*_STATEMENTS, layer=_method, cost=4, name=f"{_method}_can_be_called", finds_causes=True)(
        partial(_can_be_called, method=_method)
    )
