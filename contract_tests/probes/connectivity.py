"""Probes of connectivity: whether a method can be called at all, and if not, why.

They come before the other probes of their layer. A method that answers every request in the same
words has not read it; what it makes of a request written another way tells what is wrong.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.client.calls import JSON, build, query
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.made_up import WRONG_TOKEN
from crmcom_kit.contract_tests.findings import Unreachable, Violation, Withheld, outcome
from crmcom_kit.contract_tests.probes.choosing import NO_URL, STATES, fitting, sample
from crmcom_kit.contract_tests.probes.refusals import LAYERS, body
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session

_STATEMENTS = (
    "methods.available", "methods.path", "methods.verb", "parameters.place", "parameters.body",
    "parameters.identifier_in_query", "parameters.identifier_in_body", "list.optional_parameters",
)  # fmt: skip
_ABSENT = ("methods.available", "methods.path")


def _wording(exchange: Exchange) -> tuple[int, str]:
    """Return how a response is worded, whatever its message is."""
    return exchange.status, repr(exchange.code)


def _unknown(session: Session) -> dict[str, Any]:
    """Return parameters that name a webhook request that exists nowhere."""
    return {IDENTIFIER: {"id": session.nowhere["id"]}}


def _given(session: Session, method: str) -> dict[str, Any]:
    """Return parameters that should be served, or of a changing method name nothing."""
    if method == "list":
        return {"entity": session.release.entities[0]}
    return {IDENTIFIER: {"id": session.record()["id"]}} if method == "show" else _unknown(session)


def _other_ways(session: Session, method: str) -> Iterator[tuple[str, Call]]:
    """Yield requests that are written another way; if one is read, the statement is broken."""
    way, token, given = session.method(method), {"token": session.token}, _given(session, method)
    right = {**token, **given}
    written, sent = query(right), body(right)
    if method == "show":
        encoded = written.replace(f"{IDENTIFIER}=id=", f"{IDENTIFIER}=id%3D")
        for other in (encoded, query({**token, **given[IDENTIFIER]})):
            yield "parameters.identifier_in_query", Call(method, "GET", way.path, other)
    if method == "list":
        for name, value in (("fields_set", "id"), ("life_cycle_state", "REJECTED")):
            yield "list.optional_parameters", build(way, {**right, name: value})
    if way.verb == "GET":
        yield "methods.verb", Call(method, "POST", way.path, written, sent, JSON, right)
        yield "parameters.place", Call(method, "GET", way.path, "", sent, JSON)
    else:
        text = body({**token, IDENTIFIER: f"id={session.nowhere['id']}"})
        yield "parameters.identifier_in_body", Call(method, "POST", way.path, "", text, JSON)
        yield "parameters.place", Call(method, "POST", way.path, written, b"{}", JSON)
        yield "methods.verb", Call(method, "GET", way.path, written)


def _sent_in_other_ways(
    session: Session, method: str, *, is_absent: bool
) -> Iterator[tuple[str, Exchange]]:
    """Send the requests that are written another way, as far as the scope of the run lets them."""
    for statement, call in _other_ways(session, method):
        if method not in LAYERS or statement != "methods.verb" or is_absent:
            with suppress(Withheld):
                yield statement, session.send(call)


def _is_absent(session: Session, exchange: Exchange) -> bool:
    """Whether a method is answered as a path that does not exist, and other methods are not."""
    call = exchange.call
    if exchange.ok or (session.method(call.method).deprecated and not len(session.pool)):
        return False  # what is deprecated may be withdrawn
    sister = "list" if call.method == "show" else "show"
    named = {IDENTIFIER: {"id": next(iter(session.world.records), session.nowhere["id"])}}
    given = _given(session, "list") if sister == "list" else named
    nowhere = replace(call, method="", path=f"{call.path.rpartition('/')[0]}/nosuch")
    alike = _wording(session.send(nowhere)) == _wording(exchange)
    return alike and _wording(session.call(sister, given)) != _wording(exchange)


def _cannot_be_called(session: Session, method: str, exchanges: list[Exchange], *ways: str) -> None:
    """Note which statements keep callers from a method, be it answered with JSON or not."""
    way, first = session.method(method), next(each for each in exchanges if not each.ok)
    for statement in ways:
        violation = Violation(
            statement, *exchanges, expected=f"{method} with {way.verb} at {way.path}",
            seen=f"every request returns {outcome(first)}",
        )  # fmt: skip
        session.note(exchanges[-1], [violation])
    session.observed.unusable[method] = ways[0]
    session.allowed -= {method}


def _requests(session: Session, method: str) -> Iterator[Exchange]:
    """Yield responses to requests of a method that must differ, harmless ones first."""
    if method == "show":
        record = session.record()
        for name in session.nowhere:
            yield session.call(method, {IDENTIFIER: {name: record.get(name)}})
    elif method == "list":
        yield session.call(method, _given(session, method))
    else:
        for name, value in session.nowhere.items():
            yield session.call(method, {IDENTIFIER: {name: value}})
        for record in filter(session.pool.may_change, session.pool.known("REJECTED")):
            named = {IDENTIFIER: {"id": record["id"]}}
            yield session.send(build(session.method(method), named))  # without a token
            return


def _can_be_called(session: Session, method: str) -> None:
    """Check whether a method reads its requests; if it does not, other ways to write them tell why.

    One that changes reads them if it misses in its own way what exists nowhere.
    """
    changes = method in LAYERS
    if changes and method not in session.allowed:
        msg = f"{method} is not allowed; allow it with --allow {method}"
        raise Unreachable(msg)
    if method == "list" and len(session.pool):
        return
    tries = list(_requests(session, method))
    missed = session.call("show", _unknown(session))
    if _has_read(tries, missed if changes else None):
        return
    is_absent = _is_absent(session, missed if method == "show" else tries[0])
    if not is_absent and any(each.number in session.unreadable for each in tries):
        return  # which tells nothing else
    for statement, exchange in _sent_in_other_ways(session, method, is_absent=is_absent):
        if exchange.ok or (changes and _wording(exchange) == _wording(missed)):
            _cannot_be_called(session, method, [*tries[:2], exchange], statement)
            return
    if is_absent:
        _cannot_be_called(session, method, tries, *_ABSENT)
    elif method != "list":
        _read_nothing(session, method, [*tries, *([] if changes else [missed])])


def _has_read(tries: list[Exchange], missed: Exchange | None) -> bool:
    """Whether a request was served; or whether a method that changes looked for what is missed."""
    misses = {_wording(each) for each in tries[:2]}
    looked = missed is not None and (len(misses) > 1 or _wording(missed) in misses)
    return looked or any(each.ok for each in tries)


def _read_nothing(session: Session, method: str, tries: list[Exchange]) -> None:
    """Note it if a method answers everything alike, and unlike another method's misses."""

    def words(exchange: Exchange) -> tuple[object, ...]:
        return (*_wording(exchange), repr(exchange.message))

    sister = session.call("list") if method == "show" else session.call("show", _unknown(session))
    if len({words(each) for each in tries}) > 1 or words(sister) == words(tries[0]):
        return
    reads = "parameters.identifier_in_query"
    if method == "show":
        other = session.call("show")
    else:
        reads, form = "parameters.body", (("Content-Type", "application/x-www-form-urlencoded"),)
        sent = query({"token": session.token, **_unknown(session)}).encode()
        other = session.send(Call(method, "POST", session.method(method).path, "", sent, form))
    why = (reads,) if words(other) != words(tries[0]) else _ABSENT
    _cannot_be_called(session, method, [*tries[:2], other], *why)


for _method in ("show", "list", *LAYERS):
    probe(
        *_STATEMENTS, layer=LAYERS.get(_method, "read"), cost=5, name=f"{_method} can be called",
        finds_causes=True,
    )(partial(_can_be_called, method=_method))  # fmt: skip


@probe("methods.trailing_slash", layer="read", cost=6)
def a_trailing_slash_makes_no_difference(session: Session) -> None:
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
