"""Discover the webhook requests of a target, by list over the entities of the release."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.http import AnswerTooLong
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.pool import nameable
from crmcom_kit.contract_tests.safety.scope import Scope
from crmcom_kit.contract_tests.session import Session

Parameters = dict[str, Any]

#: What each layer works with: state, how many webhook requests, and what for.
NEEDS: Mapping[str, tuple[tuple[str, int, str], ...]] = {
    "read": (
        ("REJECTED", 2, "to show and list, including their error fields"),
        ("SUCCESSFUL", 2, "to show and list"),
    ),
    "resend": (
        ("REJECTED", 7, "to resend by id, by number and with fields_set"),
        ("SUCCESSFUL", 1, "to check that resend refuses it"),
    ),
    "delete": (
        ("REJECTED", 2, "to delete; resent ones can be used"),
        ("SUCCESSFUL", 3, "to delete by id, by number and with fields_set"),
    ),
}

#: How many results a page has while looking for webhook requests.
PAGE = 50

#: So many lists are asked for the other state of entities that are known.
_MAX_NARROW = 6


def needs(allowed: frozenset[str]) -> tuple[str, ...]:
    """Return how many webhook requests a run needs, a line each, with what for."""
    lines = []
    for layer, wanted in NEEDS.items():
        if layer == "read" or layer in allowed:
            lines += [f"{layer}: {count} {state}, {what}" for state, count, what in wanted]
    return tuple(lines)


def discover(session: Session, scope: object = None) -> list[Parameters]:
    """Fill the session's pool with whole webhook requests.

    Args:
        session: where they go, and what calls the target.
        scope: which of them may be changed; a ``Scope`` says how to find them.

    Returns:
        The parameters of each list that found some, so that it can be repeated.

    Raises:
        Unreachable: every list is longer than the run may read.
    """
    lists: list[Parameters] = []
    if isinstance(scope, Scope):
        _show_numbers(session, scope)
    wanted = _everything(session) if session.target.own else _narrow_first(session, scope)
    was_read = False
    too_long = ""
    for parameters in wanted:
        try:
            records = session.call("list", parameters).records
        except AnswerTooLong as error:
            too_long = error.why
            continue  # a narrower list may do
        was_read = True
        if records:
            lists.append(parameters)
    if too_long and not was_read:
        msg = f"no list could be read: {too_long}"
        raise Unreachable(msg)
    return lists


def _show_numbers(session: Session, scope: Scope) -> None:
    """Look for those in scope that are named by number."""
    for number in sorted(scope.numbers):
        identifier = {"webhook_request_identifier": {"number": number}}
        session.call("show", identifier)


def _everything(session: Session) -> Iterator[Parameters]:
    return ({"entity": entity} for entity in session.release.entities)


def _narrow_first(session: Session, scope: object) -> Iterator[Parameters]:
    """Yield lists, narrow ones first, until enough is known for what is to be exercised."""
    paged = "number_of_results" in session.method("list").parameters
    page: Parameters = {"number_of_results": str(PAGE), "offset": "0"} if paged else {}
    if isinstance(scope, Scope) and scope.filters:
        yield scope.filters | page
    for entity in session.release.entities:
        if _enough(session, scope, "REJECTED"):
            break
        yield {"entity": entity, "life_cycle_state": "REJECTED"} | page
    if paged:
        for entity in session.release.entities:
            if _enough(session, scope, "SUCCESSFUL"):
                return
            yield {"entity": entity, "life_cycle_state": "SUCCESSFUL"} | page
        return
    yield from _successful_without_paging(session, scope)


def _successful_without_paging(session: Session, scope: object) -> Iterator[Parameters]:
    """Below R13 a list may be as long as the target is old: ask for one entity's alone first."""
    known = [(r.get("entity"), r.get("entity_id")) for r in session.pool.known("REJECTED")]
    pairs = {(e, i) for e, i in known if isinstance(e, str) and isinstance(i, str)}
    for entity, entity_id in sorted(pairs)[:_MAX_NARROW]:
        if _enough(session, scope, "SUCCESSFUL"):
            return
        yield {"entity": entity, "entity_id": entity_id, "life_cycle_state": "SUCCESSFUL"}
    for entity in session.release.entities:
        if _enough(session, scope, "SUCCESSFUL"):
            return
        yield {"entity": entity, "life_cycle_state": "SUCCESSFUL"}


def _enough(session: Session, scope: object, state: str) -> bool:
    """Whether as many are known in ``state``, and in scope, as the layers work with."""
    counts = {
        layer: sum(count for each, count, _ in wanted if each == state)
        for layer, wanted in NEEDS.items()
    }
    if sum(1 for _ in session.pool.known(state)) < counts["read"]:
        return False
    if isinstance(scope, Scope) and not scope.everything:
        # The scope's own list has found what there is of it. Others show whether they are reached.
        others = sum(not session.pool.may_change(each) for each in session.pool.known(state))
        return not session.allowed or others >= EACH_STATE
    in_scope = sum(map(session.pool.may_change, session.pool.known(state)))
    return in_scope >= sum(counts.get(layer, 0) for layer in session.allowed)


# Witnesses: webhook requests that a run leaves alone although all may be changed. Where every
# record is in scope, nothing would be left to show that a change reached others, too.

#: So many are kept, and under a scope known, of each state.
EACH_STATE = 2


def witnesses(records: Iterable[Record], allowed: frozenset[str]) -> frozenset[str]:
    """Return the ids of the webhook requests that are never named in changing requests.

    They are the last ones known of each state, as far as there are more than the layers of
    ``allowed`` methods work with: a run that has few webhook requests uses them all.

    Args:
        records: all that is known when the run begins to change things.
        allowed: the changing methods that may be called.
    """
    known = [record for record in records if nameable(record)]
    chosen: list[str] = []
    for state in ("REJECTED", "SUCCESSFUL"):
        ids = [record["id"] for record in known if record.get("life_cycle_state") == state]
        needed = sum(count for layer in allowed for each, count, _ in NEEDS[layer] if each == state)
        spare = max(0, len(ids) - needed)
        chosen += ids[len(ids) - min(spare, EACH_STATE) :]
    return frozenset(chosen)
