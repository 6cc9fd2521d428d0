"""Probes of connectivity: whether a method can be called at all, and if not, why.

They come before the other probes of their layer. A method that answers every call in the same
words has not read the call; what it makes of a call written another way tells what is wrong.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from crmcom_kit.contract_tests.client.calls import build, query
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.made_up import NOWHERE
from crmcom_kit.contract_tests.findings import Unreachable, outcome
from crmcom_kit.contract_tests.probes.helpers import JSON, body
from crmcom_kit.contract_tests.probes.registry import Layer, probe
from crmcom_kit.contract_tests.session import Session

_IDENTIFIER = "webhook_request_identifier"
_STATEMENTS = (
    "methods.available", "methods.path", "methods.verb", "parameters.place", "parameters.body",
    "parameters.identifier_in_query", "parameters.identifier_in_body",
)  # fmt: skip


def _wording(exchange: Exchange) -> tuple[int, str, str]:
    """Return how an answer is worded, whatever its code and message are."""
    return exchange.status, repr(exchange.code), repr(exchange.message)


def _same(session: Session, method: str, exchanges: list[Exchange]) -> bool:
    """Whether a method answers all these calls alike, and not as another one misses a record."""
    words = {_wording(exchange) for exchange in exchanges}
    if any(exchange.ok for exchange in exchanges) or len(words) > 1:
        return False
    other = "list" if method == "show" else "show"
    sister = session.call(other) if other == "list" else session.call(other, _nowhere())
    return _wording(sister) not in words


def _nowhere() -> dict[str, Any]:
    return {_IDENTIFIER: {"id": NOWHERE["id"]}}


def _cannot_be_called(session: Session, method: str, exchanges: list[Exchange], *ways: str) -> None:
    """Note which of these statements keep callers from a method."""
    way = session.method(method)
    for statement in ways:
        session.expect(
            statement,
            *exchanges,
            kept=False,
            expected=f"{method} with {way.verb} at {way.path}",
            seen=f"every call is answered {outcome(exchanges[-1])}",
        )
    session.memory.setdefault("unusable methods", {})[method] = ways[0]
    session.allowed -= {method}


@probe(*_STATEMENTS[:3], "parameters.identifier_in_query", layer="read", cost=1)
def show_can_be_called(session: Session) -> None:
    """Show reads its calls."""
    record = session.record()
    right = {"token": session.token, _IDENTIFIER: {"id": record["id"]}}
    first = session.call("show", {_IDENTIFIER: {"id": record["id"]}})
    second = (
        first if first.ok else session.call("show", {_IDENTIFIER: {"number": record.get("number")}})
    )
    if second.ok or not _same(session, "show", [first, second, session.call("show", _nowhere())]):
        return
    path = session.method("show").path
    posted = session.send(Call("show", "POST", path, query(right), body(right), JSON, right))
    flat = {"token": session.token, "id": record["id"]}
    flattened = session.send(Call("show", "GET", path, query(flat)))
    unnamed = session.call("show")
    if posted.ok:
        _cannot_be_called(session, "show", [first, posted], "methods.verb")
    elif flattened.ok or _wording(unnamed) != _wording(first):
        ways = "parameters.identifier_in_query"
        _cannot_be_called(session, "show", [first, flattened], ways)
    else:
        _cannot_be_called(session, "show", [first, second], "methods.available", "methods.path")


@probe("list.optional_parameters", "methods.available", "methods.verb", layer="read", cost=1)
def list_can_be_called(session: Session) -> None:
    """List is served by entity alone; where no entity is, something optional is missing."""
    if len(session.pool):
        return
    entity = {"entity": session.release.entities[0]}
    first = session.call("list", entity)
    if first.ok:
        return
    for name, value in (("fields_set", "id"), ("life_cycle_state", "REJECTED")):
        exchange = session.call("list", {**entity, name: value})
        if exchange.ok:
            session.expect(
                "list.optional_parameters",
                first,
                exchange,
                kept=False,
                expected=f"{name} may be left out",
                seen=f"without it {outcome(first)}, with it OK",
            )
            session.memory.setdefault("unusable methods", {})["list"] = "list.optional_parameters"
            return


def _tries(session: Session, method: str) -> Iterator[Exchange]:
    """Yield the answers to calls of a changing method that must differ, harmless first."""
    yield session.call(method, _nowhere())
    yield session.call(method, {_IDENTIFIER: {"number": NOWHERE["number"]}})
    for record in session.pool.known("REJECTED"):
        if session.pool.may_change(record):
            yield session.send(build(session.method(method), {_IDENTIFIER: {"id": record["id"]}}))
            return


def _reached(session: Session, method: str) -> None:
    """Check whether a changing method reads its calls, by how it misses what exists nowhere.

    No webhook request is named that exists but in a call without token.
    """
    if method not in session.allowed:
        msg = f"{method} is not allowed; allow it with --allow {method}"
        raise Unreachable(msg)
    tries = list(_tries(session, method))
    objects = tries[:2]
    if len({_wording(each) for each in objects}) > 1 or objects[0].ok:
        return
    missed = session.call("show", _nowhere())
    if _wording(missed)[:2] == _wording(objects[0])[:2]:
        return  # it looked for the webhook request
    token: Mapping[str, Any] = {"token": session.token}
    text = session.call(method, {_IDENTIFIER: f"id={NOWHERE['id']}"})
    if _wording(text)[:2] == _wording(missed)[:2]:
        _cannot_be_called(session, method, [*objects, text], "parameters.identifier_in_body")
        return
    path, nowhere = session.method(method).path, {**token, **_nowhere()}
    placed = session.send(Call(method, "POST", path, query(nowhere), b"{}", JSON))
    if _wording(placed)[:2] == _wording(missed)[:2]:
        _cannot_be_called(session, method, [*objects, placed], "parameters.place")
        return
    if not _same(session, method, tries):
        return
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    filled = session.send(Call(method, "POST", path, "", query(nowhere).encode(), form))
    if _wording(filled) != _wording(objects[0]):
        _cannot_be_called(session, method, [*objects, filled], "parameters.body")
    else:
        _cannot_be_called(session, method, tries, "methods.available", "methods.path")


def _register(method: Layer) -> None:
    def run(session: Session) -> None:
        _reached(session, method)

    run.__name__ = f"{method}_can_be_called"
    probe(*_STATEMENTS, layer=method, cost=4)(run)


_register("resend")
_register("delete")
