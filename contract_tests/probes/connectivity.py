"""Probes of connectivity: whether a method can be called at all, and if not, why.

They come before the other probes of their layer. A method that answers every request in the same
words has not read it; what it makes of a request written another way tells what is wrong.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.client.calls import build, query
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.made_up import NOWHERE, WRONG_TOKEN
from crmcom_kit.contract_tests.findings import Unreachable, Violation, outcome
from crmcom_kit.contract_tests.probes.choosing import NO_URL, STATES, fitting, sample
from crmcom_kit.contract_tests.probes.refusals import JSON, LAYERS, body
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session

_STATEMENTS = (
    "methods.available", "methods.path", "methods.verb", "parameters.place", "parameters.body",
    "parameters.identifier_in_query", "parameters.identifier_in_body",
)  # fmt: skip
_UNKNOWN: Mapping[str, Any] = {IDENTIFIER: {"id": NOWHERE["id"]}}
_ABSENT = ("methods.available", "methods.path")


def _wording(exchange: Exchange) -> tuple[int, str]:
    """Return how a response is worded, whatever its message is."""
    return exchange.status, repr(exchange.code)


def _read_nothing(session: Session, method: str, exchanges: list[Exchange]) -> bool:
    """Whether a method answers all these requests alike, and unlike another method's misses."""
    words = {(*_wording(each), repr(each.message)) for each in exchanges}
    if any(exchange.ok for exchange in exchanges) or len(words) > 1:
        return False
    sister = session.call("list") if method == "show" else session.call("show", _UNKNOWN)
    return (*_wording(sister), repr(sister.message)) not in words


def _is_absent(session: Session, exchange: Exchange) -> bool:
    """Whether a method is answered as a path that does not exist, and other methods are not."""
    call = exchange.call
    if exchange.ok or (session.method(call.method).deprecated and not len(session.pool)):
        return False  # what is deprecated may be withdrawn
    known, sister = session.world.records, "list" if call.method == "show" else "show"
    named = {IDENTIFIER: {"id": next(iter(known), NOWHERE["id"])}}
    given = {"entity": session.release.entities[0]} if sister == "list" else named
    nowhere = replace(call, method="", path=f"{call.path}_nosuch")
    alike = _wording(session.send(nowhere)) == _wording(exchange)
    return alike and _wording(session.call(sister, given)) != _wording(exchange)


def _cannot_be_called(session: Session, method: str, exchanges: list[Exchange], *ways: str) -> None:
    """Note which statements keep callers from a method, be it answered with JSON or not."""
    way, first = session.method(method), next(each for each in exchanges if not each.ok)
    for statement in ways:
        violation = Violation(
            statement, *exchanges, expected=f"{method} with {way.verb} at {way.path}",
            seen=f"every request is answered {outcome(first)}",
        )  # fmt: skip
        session.note(exchanges[-1], [violation])
    session.observed.unusable[method] = ways[0]
    session.allowed -= {method}


@probe(*_STATEMENTS[:3], "parameters.identifier_in_query", layer="read", finds_causes=True)
def show_can_be_called(session: Session) -> None:
    """Show reads its requests; if it does not, other ways to write them tell why."""
    record = session.record()
    named = {"id": record["id"]}
    right = {"token": session.token, IDENTIFIER: named}
    first = session.call("show", {IDENTIFIER: named})
    second = session.call("show", {IDENTIFIER: {"number": record.get("number")}})
    if first.ok or second.ok:
        return
    path, missed = session.method("show").path, session.call("show", _UNKNOWN)
    encoded = query(right).replace(f"{IDENTIFIER}=id=", f"{IDENTIFIER}=id%3D")
    flat = Call("show", "GET", path, query({"token": session.token, **named}))
    ways = {
        "parameters.identifier_in_query": [Call("show", "GET", path, encoded), flat],
        "methods.verb": [Call("show", "POST", path, query(right), body(right), JSON, right)],
        "parameters.place": [Call("show", "GET", path, "", body(right), JSON)],
    }
    if _is_called_otherwise(session, "show", first, ways):
        return
    if _is_absent(session, missed):
        _cannot_be_called(session, "show", [first, second], *_ABSENT)
    elif _read_nothing(session, "show", [first, second, missed]):
        unnamed = session.call("show")
        reads = _wording(unnamed) != _wording(first) or unnamed.message != first.message
        why = ("parameters.identifier_in_query",) if reads else _ABSENT
        _cannot_be_called(session, "show", [first, unnamed], *why)


def _is_called_otherwise(
    session: Session, method: str, first: Exchange, ways: Mapping[str, list[Call]]
) -> bool:
    """Whether requests that are written another way are served, which is noted."""
    for statement, calls in ways.items():
        for call in calls:
            exchange = session.send(call)
            if exchange.ok:
                _cannot_be_called(session, method, [exchange, first], statement)
                return True
    return False


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
    if first.ok or _is_called_otherwise(session, "list", first, ways):
        return
    if _is_absent(session, first):
        _cannot_be_called(session, "list", [first], *_ABSENT)


@probe("methods.trailing_slash", layer="read", cost=4)
def a_slash_behind_the_name_is_nothing(session: Session) -> None:
    """Show and list are served with a slash behind their names, and read what they are asked."""
    record = sample(session, 1)[0]
    named = {IDENTIFIER: {"id": record["id"]}}
    listed = fitting(record, ("entity", "entity_id"))
    usual: list[tuple[str, dict[str, Any]]] = [("show", named), ("list", listed)]
    odd = [(name, {**given, "token": WRONG_TOKEN}) for name, given in usual]
    odd += [("list", {**listed, "life_cycle_state": state}) for state in STATES]
    odd += [("list", {**listed, "url": NO_URL})]
    for name, given in usual:
        plain = session.call(name, given)
        if plain.ok:  # else others tell why
            slashed = session.send(replace(plain.call, path=f"{plain.call.path}/"))
            why = f"the path {slashed.call.path} is {name}'s"
            session.expect_served_as("methods.trailing_slash", slashed, plain, why)
            odd = odd if slashed.ok else [each for each in odd if each[0] != name]
    for name, given in odd:
        call = build(session.method(name), {"token": session.token, **given})
        session.send(replace(call, path=f"{call.path}/"))


def _can_be_called(session: Session, method: str) -> None:
    """Check whether a changing method reads its requests, by how it misses what exists nowhere."""
    if method not in session.allowed:
        msg = f"{method} is not allowed; allow it with --allow {method}"
        raise Unreachable(msg)
    way = session.method(method)
    tries = [session.call(method, {IDENTIFIER: {each: NOWHERE[each]}}) for each in NOWHERE]
    for record in filter(session.pool.may_change, session.pool.known("REJECTED")):
        tries.append(session.send(build(way, {IDENTIFIER: {"id": record["id"]}})))  # no token
        break
    missed = session.call("show", _UNKNOWN)
    misses = {_wording(each) for each in tries[:2]}
    if len(misses) > 1 or tries[0].ok or _wording(missed) in misses:
        return  # it looked for the webhook request
    token: Mapping[str, Any] = {"token": session.token}
    is_absent = _is_absent(session, tries[0])
    nowhere = query({**token, **_UNKNOWN})
    text = body({**token, IDENTIFIER: f"id={NOWHERE['id']}"})
    ways = {
        "parameters.identifier_in_body": Call(method, "POST", way.path, "", text, JSON),
        "parameters.place": Call(method, "POST", way.path, nowhere, b"{}", JSON),
    }
    if is_absent:
        ways["methods.verb"] = Call(method, "GET", way.path, nowhere)
    for statement, call in ways.items():
        exchange = session.send(call)
        if _wording(exchange) == _wording(missed):
            _cannot_be_called(session, method, [*tries[:2], exchange], statement)
            return
    if is_absent:
        _cannot_be_called(session, method, tries, *_ABSENT)
    elif _read_nothing(session, method, tries):
        form = (("Content-Type", "application/x-www-form-urlencoded"),)
        filled = session.send(Call(method, "POST", way.path, "", nowhere.encode(), form))
        reads = _wording(filled) != _wording(tries[0]) or filled.message != tries[0].message
        why = ("parameters.body",) if reads else _ABSENT
        _cannot_be_called(session, method, [*tries[:2], filled], *why)


for _method, _layer in LAYERS.items():
    probe(*_STATEMENTS, layer=_layer, cost=5, name=f"{_method}_can_be_called", finds_causes=True)(
        partial(_can_be_called, method=_method)
    )
