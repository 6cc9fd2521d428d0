"""Probes of whether a method can be called at all, and if not, what keeps callers from it.

They come before the other probes of their layer. A method that answers every call in the same
words has not read the call; what it makes of a call written another way tells what is wrong.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from crmcom_kit.contract_tests.checks.envelope import NOWHERE
from crmcom_kit.contract_tests.client.calls import build, query
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.probes.helpers import JSON, body
from crmcom_kit.contract_tests.probes.registry import Layer, probe
from crmcom_kit.contract_tests.session import Kit, outcome

_IDENTIFIER = "webhook_request_identifier"
_STATEMENTS = (
    "methods.available", "methods.path", "methods.verb", "parameters.place", "parameters.body",
    "parameters.identifier_in_query", "parameters.identifier_in_body",
)  # fmt: skip


def _wording(exchange: Exchange) -> tuple[int, str, str]:
    """Return how an answer is worded, whatever its code and message are."""
    return exchange.status, repr(exchange.code), repr(exchange.message)


def _same(kit: Kit, method: str, exchanges: list[Exchange]) -> bool:
    """Whether a method answers all these calls alike, and not as another one misses a record."""
    words = {_wording(exchange) for exchange in exchanges}
    if any(exchange.ok for exchange in exchanges) or len(words) > 1:
        return False
    other = "list" if method == "show" else "show"
    sister = kit.call(other) if other == "list" else kit.call(other, _nowhere())
    return _wording(sister) not in words


def _nowhere() -> dict[str, Any]:
    return {_IDENTIFIER: {"id": NOWHERE["id"]}}


def _cannot_be_called(kit: Kit, method: str, exchanges: list[Exchange], *ways: str) -> None:
    """Note which of these statements keep callers from a method."""
    for statement in ways:
        kit.expect(
            statement,
            *exchanges,
            kept=False,
            expected=f"{method} with {kit.method(method).verb} at {kit.method(method).path}",
            seen=f"every call is answered {outcome(exchanges[-1])}",
        )
    kit.memory.setdefault("unusable methods", {})[method] = ways[0]
    kit.allowed -= {method}


@probe(*_STATEMENTS[:3], "parameters.identifier_in_query", layer="read", cost=1)
def show_can_be_called(kit: Kit) -> None:
    """Show reads its calls."""
    record = kit.record()
    right = {"token": kit.token, _IDENTIFIER: {"id": record["id"]}}
    first = kit.call("show", {_IDENTIFIER: {"id": record["id"]}})
    second = (
        first if first.ok else kit.call("show", {_IDENTIFIER: {"number": record.get("number")}})
    )
    if second.ok or not _same(kit, "show", [first, second, kit.call("show", _nowhere())]):
        return
    path = kit.method("show").path
    posted = kit.send(Call("show", "POST", path, query(right), body(right), JSON, right))
    flat = {"token": kit.token, "id": record["id"]}
    flattened = kit.send(Call("show", "GET", path, query(flat)))
    unnamed = kit.call("show")
    if posted.ok:
        _cannot_be_called(kit, "show", [first, posted], "methods.verb")
    elif flattened.ok or _wording(unnamed) != _wording(first):
        ways = "parameters.identifier_in_query"
        _cannot_be_called(kit, "show", [first, flattened], ways)
    else:
        _cannot_be_called(kit, "show", [first, second], "methods.available", "methods.path")


@probe("list.optional_parameters", "methods.available", "methods.verb", layer="read", cost=1)
def list_can_be_called(kit: Kit) -> None:
    """List is served by entity alone; where no entity is, something optional is missing."""
    if len(kit.pool):
        return
    entity = {"entity": kit.release.entities[0]}
    first = kit.call("list", entity)
    if first.ok:
        return
    for name, value in (("fields_set", "id"), ("life_cycle_state", "REJECTED")):
        exchange = kit.call("list", {**entity, name: value})
        if exchange.ok:
            kit.expect(
                "list.optional_parameters",
                first,
                exchange,
                kept=False,
                expected=f"{name} may be left out",
                seen=f"without it {outcome(first)}, with it OK",
            )
            kit.memory.setdefault("unusable methods", {})["list"] = "list.optional_parameters"
            return


def _tries(kit: Kit, method: str) -> Iterator[Exchange]:
    """Yield the answers to calls of a changing method that must differ, harmless first."""
    yield kit.call(method, _nowhere())
    yield kit.call(method, {_IDENTIFIER: {"number": NOWHERE["number"]}})
    for record in kit.pool.some("REJECTED"):
        if kit.pool.may_change(record):
            yield kit.send(build(kit.method(method), {_IDENTIFIER: {"id": record["id"]}}))
            return


def _reached(kit: Kit, method: str) -> None:
    """Judge whether a changing method reads its calls, by how it misses what exists nowhere.

    No webhook request is named that exists but in a call without token.
    """
    if method not in kit.allowed:
        msg = f"{method} is not allowed; allow it with --allow {method}"
        raise Unreachable(msg)
    tries = list(_tries(kit, method))
    objects = tries[:2]
    if len({_wording(each) for each in objects}) > 1 or objects[0].ok:
        return
    missed = kit.call("show", _nowhere())
    if _wording(missed)[:2] == _wording(objects[0])[:2]:
        return  # it looked for the webhook request
    token: Mapping[str, Any] = {"token": kit.token}
    text = kit.call(method, {_IDENTIFIER: f"id={NOWHERE['id']}"})
    if _wording(text)[:2] == _wording(missed)[:2]:
        _cannot_be_called(kit, method, [*objects, text], "parameters.identifier_in_body")
        return
    path, nowhere = kit.method(method).path, {**token, **_nowhere()}
    placed = kit.send(Call(method, "POST", path, query(nowhere), b"{}", JSON))
    if _wording(placed)[:2] == _wording(missed)[:2]:
        _cannot_be_called(kit, method, [*objects, placed], "parameters.place")
        return
    if not _same(kit, method, tries):
        return
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    filled = kit.send(Call(method, "POST", path, "", query(nowhere).encode(), form))
    if _wording(filled) != _wording(objects[0]):
        _cannot_be_called(kit, method, [*objects, filled], "parameters.body")
    else:
        _cannot_be_called(kit, method, tries, "methods.available", "methods.path")


def _register(method: Layer) -> None:
    def run(kit: Kit) -> None:
        _reached(kit, method)

    run.__name__ = f"{method}_can_be_called"
    probe(*_STATEMENTS, layer=method, cost=4)(run)


_register("resend")
_register("delete")
