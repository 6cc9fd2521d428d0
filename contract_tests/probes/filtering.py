"""Judges a list by its filters: every known webhook request that fits, and none besides.

Where the documents leave the meaning of a filter open, a list must be what one of the readings
of ``readings`` makes of it, and all lists of a run what one and the same reading makes of them.
"""

from collections.abc import Mapping
from typing import Any

from crmcom_kit.contract_tests.checks.interpretations import READINGS, Reading, selected
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.probes.helpers import pages, show, whole_list
from crmcom_kit.contract_tests.safety.pool import Seen
from crmcom_kit.contract_tests.session import Kit
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
    kit: Kit, statement: str, filters: Filters, *, raw: bool = False, open_: bool = False
) -> Exchange:
    """Call list with ``filters`` and judge what it returns; return the first exchange.

    Args:
        kit: the run's.
        statement: what is broken if no reading explains the list.
        filters: parameters of list; identifiers as ``Named``.
        raw: see ``calls.written``.
        open_: whether a refusal, or an empty list, is a choice.
    """
    given = {
        name: {value.field: value.value} if isinstance(value, Named) else value
        for name, value in filters.items()
    }
    if kit.findings.is_broken(*{f"list.{name}.filter" for name in filters} - {statement}):
        return kit.call("list", given, raw=raw)  # its effect on this list is told already
    exchanges, found = whole_list(kit, given, raw=raw)
    first = exchanges[0]
    if open_ and not (found or (first.ok and _explaining(kit, filters, found))):
        return first
    if not first.ok and kit.findings.is_broken(*_OF_TAKING):
        return first  # told already
    if not kit.expect_served(statement, first, f"{', '.join(filters)} may be given"):
        return first
    left = _explaining(kit, filters, found)
    if not left and _look_again(kit, filters, found):
        left = _explaining(kit, filters, found)
    if left:
        kit.memory["readings"] = left
    elif may_be_cut(kit, filters, found):
        return first
    else:
        statement = _ignored(kit, filters, found) or statement
    kit.expect(
        statement,
        *exchanges,
        kept=bool(left),
        expected=f"the webhook requests with {_told(filters)}, and no others",
        seen=_seen(kit, filters, found),
    )
    return first


def may_be_cut(kit: Kit, filters: Filters, found: Mapping[str, Seen]) -> bool:
    """Whether a list may lack the rest only because the target's lists have no more results.

    Below R13 there are no pages, by which the rest could be had: then a list that is as long as
    the longest of the run, and has nothing wrong in it, tells nothing.
    """
    if pages(kit) or len(found) < 2:
        return False
    lists = (each for each in kit.client.history if each.call.method == "list")
    known = {**kit.pool.records, **found}
    right = any(found.keys() <= selected(filters, each, known).possible for each in possible(kit))
    return right and len(found) >= max(each.count for each in lists)


def _ignored(kit: Kit, filters: Filters, found: Mapping[str, Seen]) -> str | None:
    """Return the statement of the one filter without which a list would be right."""
    names = [
        name
        for name in filters
        if len(filters) > 1
        and _explaining(kit, {k: v for k, v in filters.items() if k != name}, found)
    ]
    return f"list.{names[0]}.filter" if len(names) == 1 else None


def possible(kit: Kit) -> list[Reading]:
    """Return the readings that explain every list so far."""
    found: list[Reading] = kit.memory.setdefault("readings", list(READINGS))
    return found


def _explaining(kit: Kit, filters: Filters, found: Mapping[str, Seen]) -> list[Reading]:
    known = {**kit.pool.records, **found}
    return [
        reading
        for reading in possible(kit)
        if (span := selected(filters, reading, known)).sure <= found.keys() <= span.possible
    ]


def _look_again(kit: Kit, filters: Filters, found: Mapping[str, Seen]) -> bool:
    """Show the webhook requests that a list lacks once more: others may have changed them."""
    sure = selected(filters, possible(kit)[0], {**kit.pool.records, **found}).sure
    lacking = sorted(sure - found.keys())[:3]
    changed = False
    for record_id in lacking if not kit.target.own else ():
        exchange = show(kit, {"id": record_id})
        if exchange.ok and isinstance(exchange.data, dict):
            changed |= exchange.data != kit.pool.records[record_id]
            kit.pool.learn(exchange.data)
        elif not exchange.ok:
            kit.pool.forget(record_id)
            changed = True
    return changed


def _told(filters: Filters) -> str:
    return ", ".join(
        f"{name} {value.field}={value.value}" if isinstance(value, Named) else f"{name} {value}"
        for name, value in filters.items()
    )


def _seen(kit: Kit, filters: Filters, found: Mapping[str, Seen]) -> str:
    """Say how a list differs from what the likeliest reading makes of it."""
    span = selected(filters, possible(kit)[0], {**kit.pool.records, **found})
    beyond, lacking = sorted(found.keys() - span.possible), sorted(span.sure - found.keys())
    parts = [
        f"{len(ids)} {what}, such as {ids[0]}"
        for ids, what in ((beyond, "that do not fit"), (lacking, "that fit are missing"))
        if ids
    ]
    return f"{len(found)} webhook requests: {'; '.join(parts)}"
