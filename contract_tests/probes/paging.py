"""Probes of number_of_results and offset, which list has from R13 on."""

from collections import Counter
from typing import Any

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.probes.choosing import can_page, in_service
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session

#: So many webhook requests are read page by page at most.
MAX_READ = 400


def _busiest(session: Session) -> tuple[dict[str, str], int]:
    """Return a filter that finds four or more, and how many they are. Raises Unreachable."""
    in_service(session)
    if not can_page(session):
        msg = f"{session.release.name} has no paging"
        raise Unreachable(msg)
    counts = Counter(str(record.get("entity")) for record in session.pool.known())
    # The smallest that will do; else the largest, of which not all may be known.
    order = sorted(counts, key=lambda each: (counts[each] < 4, abs(counts[each] - 4), each))
    for entity in order[:2]:
        found = _whole_list(session, {"entity": entity})
        if found >= 4:
            return {"entity": entity}, found
    msg = "no entity has the four webhook requests that are needed for pages"
    raise Unreachable(msg)


def _whole_list(session: Session, filters: dict[str, Any]) -> int:
    """Call list until nothing more comes, since a server may cut long lists; return how many."""
    first = session.call("list", filters)
    found = {str(each.get("id")) for each in first.records}
    while found and len(found) < MAX_READ:
        more = session.call("list", {**filters, "offset": len(found)})
        new = {str(each.get("id")) for each in more.records} - found
        if not new:
            break
        session.findings.chose("paging.default_results", first.count)
        found |= new
    return len(found)


def _page(session: Session, filters: dict[str, str], limit: int, offset: int | None) -> Exchange:
    place = {} if offset is None else {"offset": offset}
    return session.call("list", {**filters, "number_of_results": limit, **place})


@probe("list.paging.number_of_results", layer="read", cost=4)
def list_returns_at_most_number_of_results(session: Session) -> None:
    """number_of_results is the most that list returns, and it returns as many as there are."""
    filters, known = _busiest(session)
    largest = 0
    for wanted in (1, 2, 3, known, known + 1):
        exchange = _page(session, filters, wanted, None)
        if exchange.ok:
            largest = max(largest, exchange.count)
        elif wanted > 1:  # more than the server's maximum, perhaps
            note_refusal(session, "bad_paging", exchange)
            break
    if largest and (not exchange.ok or largest < known):
        way = "cut" if exchange.ok else "error"
        session.findings.chose("paging.over_maximum", way, exchange)
        if largest < known:
            session.findings.chose("paging.maximum_results", largest, exchange)
    counts = Counter(str(record.get("entity")) for record in session.pool.known())
    for entity, count in counts.most_common(1) if exchange.ok else ():
        for limit in range(count - 1, 4, -5):  # a maximum must not be more than asked for
            session.call("list", {"entity": entity, "number_of_results": limit})


@probe("list.paging.offset", layer="delete", cost=4, name="pages after changes")
@probe("list.paging.offset", layer="read", cost=6)
def pages_are_parts_of_the_list(session: Session) -> None:
    """Offset skips webhook requests one by one; the pages together are the list as it is now."""
    filters, known = _busiest(session)
    last = known - 1
    pages = [(1, 0), (2, 1), (1, last), (1, known), (2, last), (2, 0), (2, 2), (3, last - 1)]
    pages += [(3, 3), (2, known), (1, known + 1), (1, known + 100)]
    for limit, at in (*pages, *((1, at) for at in range(1, last))):
        _page(session, filters, limit, at)
    session.call("list", filters)


@probe("list.paging.numbers", layer="read", cost=4)
def note_odd_paging(session: Session) -> None:
    """Note what becomes of numbers that the page does not speak of."""
    filters, _ = _busiest(session)
    zero = _page(session, filters, 0, None)
    way = ("all" if zero.count else "none") if zero.ok else "error"
    session.findings.chose("paging.zero", way, zero)
    for name in ("number_of_results", "offset"):
        negative = session.call("list", {**filters, name: -1})
        session.findings.chose("paging.negative", "ignore" if negative.ok else "error", negative)
        note_refusal(session, "bad_paging", negative)
    note_refusal(session, "bad_paging", session.call("list", {**filters, "offset": "two"}))
