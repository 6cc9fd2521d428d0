"""Choose what to send: webhook requests of every kind, and filters and values that find them."""

from collections.abc import Mapping, Sequence
from itertools import combinations, zip_longest
from typing import Any

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.checks.interpretations import (
    OBJECT_OF,
    SEMI_OPTIONAL,
    day_ends,
    is_meant,
)
from crmcom_kit.contract_tests.checks.knowledge import IDENTIFIERS
from crmcom_kit.contract_tests.checks.sense import FIELDS, IDENTIFIER
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.near_misses import Mutation
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.session import Session

STATES = ("REJECTED", "SUCCESSFUL")
OPTIONAL = ("url", "life_cycle_state", "created_date")
#: A URL that nothing was sent to.
NO_URL = "https://nowhere.invalid/never"
_MANY = 10_000

#: Which filters a list has: one to four, a semi-optional one among them; those with several first.
FILTERS = tuple(
    semi + optional
    for size in (2, 1, 3)
    for semi in combinations(SEMI_OPTIONAL, size)
    for more in (1, 0, 2)
    for optional in combinations(OPTIONAL, more)
    if size + more <= 4
)

#: Values of fields_set, the most telling ones first.
FIELDS_SETS = (
    "life_cycle_state,error_code,error_description",
    ",".join(reversed(FIELDS)),
    "id,number", "number,id", "log_information,url", "url,log_information,entity",
    *FIELDS,
    *(",".join(name for name in FIELDS if name != left_out) for left_out in FIELDS),
    *(",".join((FIELDS[at + 2], FIELDS[at])) for at in range(0, len(FIELDS) - 2, 2)),
)  # fmt: skip


# Webhook requests.


def sample(session: Session, maximum: int = _MANY) -> list[Record]:
    """Return known webhook requests: of each entity and state one, then of each another one.

    Raises:
        Unreachable: the reading methods cannot be called, or no webhook request is known.
    """
    in_service(session)
    session.record()
    kinds: dict[str, dict[str, list[Record]]] = {state: {} for state in STATES}
    for record in session.pool.known():
        if _is_usable(record, session):
            by_entity = kinds[record["life_cycle_state"]]
            by_entity.setdefault(record["entity"], []).append(record)
    # The first two differ in their state, and so in what they have.
    pairs = _in_turn([list(by_entity.values()) for by_entity in kinds.values()])
    found = _in_turn(pairs)
    if not found:
        msg = "no known webhook request has the values that a list could be filtered by"
        raise Unreachable(msg)
    return found[:maximum]


def _in_turn(lists: Sequence[Sequence[Any]]) -> list[Any]:
    """Return the first of each list, then the second of each, and so on."""
    return [each for some in zip_longest(*lists) for each in some if each is not None]


def _is_usable(record: Record, session: Session) -> bool:
    """Whether what lists select by is as the pages say; checks tell if it is not."""
    texts = all(isinstance(record.get(name), str) for name in ("number", "entity_id", "url"))
    return (
        texts
        and record.get("entity") in session.release.entities
        and record.get("life_cycle_state") in STATES
        and isinstance(record.get("log_information"), dict)
    )


def different(session: Session, field: str, maximum: int) -> list[Record]:
    """Return known webhook requests with a value in ``field`` each, all different, odd ones first.

    Values with ``=``, with characters beyond ASCII or with other signs are the odd ones.
    """
    by_value: dict[str, Record] = {}
    for record in sample(session):
        value = record.get(field)
        text = str(value.get("name", value)) if isinstance(value, dict) else value
        if isinstance(text, str):
            by_value.setdefault(text, record)
    order = sorted(by_value, key=lambda text: (not _is_odd(text), "," in text))
    return [by_value[text] for text in order[:maximum]]


def _is_odd(text: str) -> bool:
    return not text.isascii() or any(sign in text for sign in "=&+%'\"")


def shown(session: Session, key: str) -> Record | None:
    """Return a webhook request as show returns it now, or None."""
    found = session.call("show", {IDENTIFIER: {"id": key}}).records
    return next((each for each in found if each.get("id") == key), None)


# Values of filters.


def filter_values(record: Record, name: str) -> list[Any]:
    """Return values of the filter ``name`` that a webhook request fits, or fits nearly (dates).

    How a comma inside an identifier's value is written is shown nowhere.
    """
    if name in OBJECT_OF:
        inner = record.get(OBJECT_OF[name])
        inner = inner if isinstance(inner, Mapping) else {}
        found = [(each, inner.get(each)) for each in IDENTIFIERS]
        return [{each: text} for each, text in found if _is_text(text) and "," not in str(text)]
    if name == "created_date":
        return _dates(record)
    value = record.get(name)
    return [value] if _is_text(value) else []


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _dates(record: Record) -> list[str]:
    """Return the day and moment a webhook request was made at, and those around the day's ends."""
    log = record.get("log_information")
    found = log.get("created_date") if isinstance(log, Mapping) else None
    if not isinstance(found, str) or not is_meant(found):
        return []
    ends = day_ends(found)
    return list(dict.fromkeys((found[:10], found, *(each[:10] for each in ends), *ends)))


def fitting(record: Record, names: Sequence[str]) -> dict[str, Any]:
    """Return filters that a webhook request fits, as far as it has them."""
    values = {name: filter_values(record, name) for name in names}
    return {name: found[0] for name, found in values.items() if found}


def nearly(value: Any, mutation: Mutation) -> Any:
    """Return a filter's value changed by ``mutation``; of an identifier its field's value."""
    if isinstance(value, Mapping):
        return {name: mutation(each) for name, each in value.items()}
    return mutation(value)


def other_state(record: Record) -> str:
    """Return the state that a webhook request is not in."""
    return next(each for each in STATES if each != record["life_cycle_state"])


def can_page(session: Session) -> bool:
    """Whether list of the release has number_of_results and offset."""
    return "number_of_results" in session.method("list").parameters


# Whether there is anything to choose.


def in_service(session: Session) -> None:
    """Raise Unreachable if the reading methods cannot be called at all."""
    for method, statement in session.observed.unusable.items():
        if method in ("show", "list"):
            msg = f"{method} cannot be called as documented: {statement} is broken"
            raise Unreachable(msg)
    if is_withdrawn(session):
        msg = f"the webhook_requests methods, deprecated in {session.release.name}, are withdrawn"
        raise Unreachable(msg)


def steady(session: Session) -> None:
    """Raise Unreachable if reading was found to change things: no two lists can be compared."""
    if session.findings.is_broken("show.changes_nothing", "list.changes_nothing"):
        msg = "reading changes webhook requests, so no two responses can be compared"
        raise Unreachable(msg)


def is_withdrawn(session: Session) -> bool:
    """Whether list and show alike answer everything with one and the same error."""
    if not session.method("list").deprecated or len(session.pool):
        return False
    if session.observed.withdrawn is None:
        entity = {"entity": session.release.entities[0]}
        named = {IDENTIFIER: {"id": "1"}}
        found = [session.call("show", named), session.call("list", entity), session.call("show")]
        words = {(each.ok, each.status, each.code) for each in found}
        session.observed.withdrawn = not found[0].ok and len(words) == 1
        if session.observed.withdrawn:
            session.findings.chose("requests.deprecated_methods", "withdraw", found[1])
            note_refusal(session, "method_withdrawn", found[1])
    return session.observed.withdrawn
