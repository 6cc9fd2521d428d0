"""Helpers of the probes: which webhook requests to take, and how many requests to make."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.checks.interpretations import SEMI_OPTIONAL
from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.session import Session

#: A run with fewer requests than this asks for less of each kind.
_AMPLE = 600

JSON = (("Content-Type", "application/json"),)
STATES = ("REJECTED", "SUCCESSFUL")
IDENTIFIER_FIELDS = ("id", "name", "alternative_code")  # of list's identifiers


def body(parameters: Any) -> bytes:
    """Write parameters as the body of a POST; its headers are ``JSON``."""
    return json.dumps(parameters, ensure_ascii=False).encode("utf-8", "surrogatepass")


def breadth(session: Session, few: int, many: int) -> int:
    """Return how many requests of one kind to make: ``few`` if the run has only so many."""
    limit = session.client.limits.max_requests
    return few if session.small_budget or (limit is not None and limit < _AMPLE) else many


def show(session: Session, identifier: Mapping[str, Any], **more: Any) -> Exchange:
    """Call show with an identifier, and other parameters."""
    return session.call("show", {IDENTIFIER: identifier, **more})


def expect_served_as(
    session: Session, statement: str, exchange: Exchange, other: Exchange, why: str
) -> None:
    """Note whether a GET is served as another one is; somebody may delete what both name."""
    if not exchange.ok:
        exchange = session.send(exchange.call)
        other = session.send(other.call)
    if other.ok:
        session.expect_served(statement, exchange, why)


def by_entity(record: Record) -> dict[str, Any]:
    """Return the parameters of a short list that has ``record``."""
    return {name: record[name] for name in ("entity", "entity_id")}


def can_page(session: Session) -> bool:
    """Whether list of the release has number_of_results and offset."""
    return "number_of_results" in session.method("list").parameters


def sample(session: Session, maximum: int) -> list[Record]:
    """Return known webhook requests: of each entity and state one, then of each another one.

    Raises:
        Unreachable: the reading methods cannot be called, or no webhook request is known.
    """
    in_service(session)
    session.record()
    kinds: dict[tuple[str, str], list[Record]] = {}
    for record in session.pool.known():
        if _is_usable(record, session):
            kinds.setdefault((record["entity"], record["life_cycle_state"]), []).append(record)
    if not kinds:
        msg = "no webhook request is known that has what others are looked for by"
        raise Unreachable(msg)
    # The first two differ in their state, and so in what they have.
    order = sorted(kinds, key=lambda kind: kind[1])
    half = sum(state == "REJECTED" for _, state in order)
    order = [kind for pair in _alternating(order[:half], order[half:]) for kind in pair]
    longest = max(map(len, kinds.values()))
    found = [kinds[kind][at] for at in range(longest) for kind in order if at < len(kinds[kind])]
    return found[: max(maximum, 1)]


def _alternating(first: list[Any], second: list[Any]) -> Iterator[list[Any]]:
    for at in range(max(len(first), len(second))):
        yield [*first[at : at + 1], *second[at : at + 1]]


def _is_usable(record: Record, session: Session) -> bool:
    """Whether what lists select by is as the pages say; checks tell if it is not."""
    texts = all(isinstance(record.get(name), str) for name in ("number", "entity_id", "url"))
    return (
        texts
        and record.get("entity") in session.release.entities
        and record.get("life_cycle_state") in STATES
        and isinstance(record.get("log_information"), dict)
    )


def semi_optional(record: Record) -> dict[str, Any]:
    """Return the semi-optional parameters of list that find ``record``, as far as it shows them."""
    found: dict[str, Any] = {}
    for parameter in SEMI_OPTIONAL:
        inner = record.get(parameter.removesuffix("_identifier"))
        if isinstance(inner, str):
            found[parameter] = inner
        for name, value in identifiers(inner):
            found.setdefault(parameter, {name: value})
    return found


def identifiers(inner: Any) -> list[tuple[str, str]]:
    """Return the fields by which a definition or rule can be named, with their values.

    How a comma inside a value is written is shown nowhere.
    """
    shown = inner if isinstance(inner, Mapping) else {}
    found = ((name, shown.get(name)) for name in IDENTIFIER_FIELDS)
    return [
        (name, value)
        for name, value in found
        if isinstance(value, str) and value and "," not in value
    ]


def in_service(session: Session) -> None:
    """Raise Unreachable if the reading methods cannot be called at all."""
    for method, statement in session.observed.unusable.items():
        if method in ("show", "list"):
            msg = f"{method} cannot be called as its page says: {statement} is broken"
            raise Unreachable(msg)
    if is_withdrawn(session):
        msg = f"the webhook_requests methods, deprecated in {session.release.name}, are withdrawn"
        raise Unreachable(msg)


def is_withdrawn(session: Session) -> bool:
    """Whether list and show alike answer everything with one and the same error."""
    if not session.method("list").deprecated or len(session.pool):
        return False
    if session.observed.withdrawn is None:
        entity = {"entity": session.release.entities[0]}
        found = [show(session, {"id": "1"}), session.call("list", entity), session.call("show")]
        words = {(each.ok, each.status, each.code) for each in found}
        session.observed.withdrawn = not found[0].ok and len(words) == 1
        if session.observed.withdrawn:
            session.findings.chose("requests.deprecated_methods", "withdraw", found[1])
            note_refusal(session, "method_withdrawn", found[1])
    return session.observed.withdrawn
