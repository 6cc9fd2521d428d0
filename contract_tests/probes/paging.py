"""Probes of number_of_results and offset, which list has from R13 on."""

from collections import Counter
from typing import Any

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.probes.helpers import breadth, can_page, in_service
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session

#: So many webhook requests are read page by page at most.
MAX_READ = 400


def whole_list(session: Session, filters: dict[str, Any]) -> dict[str, Record]:
    """Call list until nothing more comes, since a server may cut long lists; return all, by id."""
    first = session.call("list", filters)
    found = _by_id(first)
    while found and len(found) < MAX_READ:
        more = session.call("list", {**filters, "offset": len(found)})
        new = {key: record for key, record in _by_id(more).items() if key not in found}
        if not new:
            break
        session.observed.cut_at = first.count
        found |= new
    return found


def _by_id(exchange: Exchange) -> dict[str, Record]:
    return {each["id"]: each for each in exchange.records if isinstance(each.get("id"), str)}


def _busiest(session: Session) -> tuple[dict[str, str], int]:
    """Return a filter that finds four or more, and how many they are. Raises Unreachable."""
    in_service(session)
    if not can_page(session):
        msg = f"{session.release.name} has no paging"
        raise Unreachable(msg)
    counts: dict[str, int] = {}
    for record in session.pool.known():
        counts[str(record.get("entity"))] = counts.get(str(record.get("entity")), 0) + 1
    # The smallest that will do; else the largest, of which not all may be known.
    order = sorted(counts, key=lambda each: (counts[each] < 4, abs(counts[each] - 4), each))
    for entity in order[:2]:
        found = whole_list(session, {"entity": entity})
        if len(found) >= 4:
            return {"entity": entity}, len(found)
    msg = "no entity is known to have four webhook requests, so that there are pages"
    raise Unreachable(msg)


def _page(session: Session, filters: dict[str, str], limit: int, offset: int | None) -> Exchange:
    place = {} if offset is None else {"offset": offset}
    return session.call("list", {**filters, "number_of_results": limit, **place})


@probe("list.paging.number_of_results", layer="read", cost=4)
def list_returns_no_more_than_asked(session: Session) -> None:
    """number_of_results is the most that list returns, and it returns as many as there are."""
    filters, known = _busiest(session)
    largest = 0
    for wanted in (1, 2, 3, known, known + 1):
        exchange = _page(session, filters, wanted, None)
        if not exchange.ok and wanted > 1:  # more than the server's maximum, perhaps
            session.findings.chose("paging.over_maximum", "error", exchange)
            note_refusal(session, "bad_paging", exchange)
            if wanted <= known:
                session.findings.chose("paging.maximum_results", largest, exchange)
            return
        largest = max(largest, exchange.count)
    if not session.small_budget:
        _long_pages(session)
    if 0 < largest < known:
        session.findings.chose("paging.over_maximum", "cut", exchange)
        session.findings.chose("paging.maximum_results", largest, exchange)


def _long_pages(session: Session) -> None:
    """Ask for most of the longest list that is known: a maximum must not be more than asked for."""
    entities = Counter(str(record.get("entity")) for record in session.pool.known())
    for entity, count in entities.most_common(1):
        for limit in range(count - 1, 4, -5):
            session.call("list", {"entity": entity, "number_of_results": limit})


@probe("list.paging.offset", layer="read", cost=6)
def list_skips_as_many_as_asked(session: Session) -> None:
    """Offset skips webhook requests one by one; the pages together are the whole list."""
    filters, known = _busiest(session)
    last = known - 1
    for at in sorted({*range(breadth(session, 3, known)), last, known, known + 1}):
        _page(session, filters, 1, at)
    pages = [(2, 1), (2, 0), (2, 2), (3, last - 1), (3, 3), (2, last), (2, known), (1, known + 100)]
    for limit, at in pages[: breadth(session, 1, len(pages))]:
        _page(session, filters, limit, at)
    session.call("list", filters)


@probe("list.paging.offset", "list.paging.number_of_results", layer="read", cost=4)
def pages_of_lists_with_filters(session: Session) -> None:
    """Pages of a list by several filters, or with fields_set, are parts of the same list."""
    filters, _ = _busiest(session)
    of_entity = [r for r in session.pool.known() if r.get("entity") == filters["entity"]]
    urls = sorted({r["url"] for r in of_entity if isinstance(r.get("url"), str)})[:2]
    some: list[dict[str, str]] = [{"life_cycle_state": "REJECTED"}, {"fields_set": "id,number"}]
    some += [
        {"life_cycle_state": "SUCCESSFUL", "fields_set": "id"},
        *({"url": url} for url in urls),
    ]
    for more in some[: breadth(session, 1, len(some))]:
        whole = whole_list(session, {**filters, **more})
        for limit, at in ((1, 0), (1, 1), (2, 1), (2, len(whole) - 1), (1, len(whole)), (9, 1)):
            if at >= 0:
                _page(session, {**filters, **more}, limit, at)


@probe("list.paging.offset", layer="delete", cost=4)
def pages_after_changes(session: Session) -> None:
    """Pages are parts of the list as it is now, after resends and deletes, too."""
    filters, known = _busiest(session)
    for limit, at in ((1, 0), (2, 1), (1, known - 1), (1, known), (2, known - 1)):
        _page(session, filters, limit, at)


@probe("list.paging.numbers", layer="read", cost=4)
def note_odd_paging(session: Session) -> None:
    """Note what becomes of numbers that the page does not speak of."""
    filters, _ = _busiest(session)
    if session.observed.cut_at:
        session.findings.chose("paging.default_results", session.observed.cut_at)
    zero = _page(session, filters, 0, None)
    way = ("all" if zero.count else "none") if zero.ok else "error"
    session.findings.chose("paging.zero", way, zero)
    negative = [_page(session, filters, -1, None), session.call("list", {**filters, "offset": -1})]
    ways = {"ignore" if exchange.ok else "error" for exchange in negative}
    if len(ways) == 1:
        session.findings.chose("paging.negative", ways.pop())
    word = session.call("list", {**filters, "offset": "two"})
    for exchange in (*negative, word):
        note_refusal(session, "bad_paging", exchange)
