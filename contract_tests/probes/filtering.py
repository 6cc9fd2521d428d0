"""Check a list by its filters: every known webhook request that fits, and no other.

Where the documents leave the meaning of a filter open, a list must be what one of the
``interpretations`` makes of it, and all lists of a run what one and the same makes of them.
"""

from collections.abc import Mapping
from typing import Any

from crmcom_kit.contract_tests.checks.interpretations import (
    INTERPRETATIONS,
    Interpretation,
    selected,
)
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.probes.helpers import pages, show, whole_list
from crmcom_kit.contract_tests.safety.pool import Record
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.contract_tests.stateful.cases import Named

Filters = Mapping[str, Any]

#: Where one of these is broken, a list that is refused tells nothing of its filters.
_OF_TAKING = tuple(
    f"list.{name}"
    for name in (
        "parameters.mandatory", "identifier.fields", "semi_optional.several_allowed",
        "optional_parameters", "entity.supported_values", "life_cycle_state.supported_values",
    )
)  # fmt: skip


def filtered(
    session: Session, statement: str, filters: Filters, *, raw: bool = False, open_: bool = False
) -> Exchange:
    """Call list with ``filters`` and check what it returns; return the first exchange.

    Args:
        session: the run's.
        statement: what is broken if no interpretation explains the list.
        filters: parameters of list; identifiers as ``Named``.
        raw: see ``calls.written``.
        open_: whether a refusal, or an empty list, is a choice.
    """
    given = {
        name: {value.field: value.value} if isinstance(value, Named) else value
        for name, value in filters.items()
    }
    if session.findings.is_broken(*{f"list.{name}.filter" for name in filters} - {statement}):
        return session.call("list", given, raw=raw)  # its effect on this list is told already
    exchanges, found = whole_list(session, given, raw=raw)
    first = exchanges[0]
    if open_ and not (found or (first.ok and _explaining(session, filters, found))):
        return first
    if not first.ok and session.findings.is_broken(*_OF_TAKING):
        return first  # told already
    if not session.expect_served(statement, first, f"{', '.join(filters)} may be given"):
        return first
    left = _explaining(session, filters, found)
    if not left and _look_again(session, filters, found):
        left = _explaining(session, filters, found)
    if left:
        session.memory["interpretations"] = left
    elif may_be_cut(session, filters, found):
        return first
    else:
        statement = _ignored(session, filters, found) or statement
    session.expect(
        statement,
        *exchanges,
        kept=bool(left),
        expected=f"the webhook requests with {_described(filters)}, and no others",
        seen=_seen(session, filters, found),
    )
    return first


def may_be_cut(session: Session, filters: Filters, found: Mapping[str, Record]) -> bool:
    """Whether a list may lack the rest only because the target's lists have no more results.

    Below R13 there are no pages, by which the rest could be had: then a list that is as long as
    the longest of the run, and has nothing wrong in it, tells nothing.
    """
    if pages(session) or len(found) < 2:
        return False
    lists = (each for each in session.client.history if each.call.method == "list")
    known = {**session.pool.records, **found}
    right = any(
        found.keys() <= selected(filters, each, known).possible for each in possible(session)
    )
    return right and len(found) >= max(each.count for each in lists)


def _ignored(session: Session, filters: Filters, found: Mapping[str, Record]) -> str | None:
    """Return the statement of the one filter without which a list would be right."""
    names = [
        name
        for name in filters
        if len(filters) > 1
        and _explaining(session, {k: v for k, v in filters.items() if k != name}, found)
    ]
    return f"list.{names[0]}.filter" if len(names) == 1 else None


def possible(session: Session) -> list[Interpretation]:
    """Return the interpretations that explain every list so far."""
    found: list[Interpretation] = session.memory.setdefault(
        "interpretations", list(INTERPRETATIONS)
    )
    return found


def _explaining(
    session: Session, filters: Filters, found: Mapping[str, Record]
) -> list[Interpretation]:
    known = {**session.pool.records, **found}
    return [
        interpretation
        for interpretation in possible(session)
        if (span := selected(filters, interpretation, known)).sure <= found.keys() <= span.possible
    ]


def _look_again(session: Session, filters: Filters, found: Mapping[str, Record]) -> bool:
    """Show the webhook requests that a list lacks once more: others may have changed them."""
    sure = selected(filters, possible(session)[0], {**session.pool.records, **found}).sure
    lacking = sorted(sure - found.keys())[:3]
    changed = False
    for record_id in lacking if not session.target.own else ():
        exchange = show(session, {"id": record_id})
        if exchange.ok and isinstance(exchange.data, dict):
            changed |= exchange.data != session.pool.records[record_id]
            session.pool.learn(exchange.data)
        elif not exchange.ok:
            session.pool.forget(record_id)
            changed = True
    return changed


def _described(filters: Filters) -> str:
    return ", ".join(
        f"{name} {value.field}={value.value}" if isinstance(value, Named) else f"{name} {value}"
        for name, value in filters.items()
    )


def _seen(session: Session, filters: Filters, found: Mapping[str, Record]) -> str:
    """Say how a list differs from what the likeliest interpretation makes of it."""
    span = selected(filters, possible(session)[0], {**session.pool.records, **found})
    beyond, lacking = sorted(found.keys() - span.possible), sorted(span.sure - found.keys())
    parts = [
        f"{len(ids)} {what}, such as {ids[0]}"
        for ids, what in ((beyond, "that do not fit"), (lacking, "that fit are missing"))
        if ids
    ]
    return f"{len(found)} webhook requests: {'; '.join(parts)}"
