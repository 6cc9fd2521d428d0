"""Probes of number_of_results and offset, which list has from R13 on."""

from collections.abc import Sequence

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.probes.helpers import in_service, pages, whole_list
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session


def _busiest(session: Session) -> tuple[dict[str, str], list[str]]:
    """Return a filter that finds at least four webhook requests, and their ids as listed.

    Raises:
        Unreachable: there are too few, or the release does not page.
    """
    in_service(session)
    if not pages(session):
        msg = f"{session.release.name} has no paging"
        raise Unreachable(msg)
    counts: dict[str, int] = {}
    for record in session.pool.known():
        counts[str(record.get("entity"))] = counts.get(str(record.get("entity")), 0) + 1
    # The smallest that will do; else the largest, of which not all may be known.
    order = sorted(counts, key=lambda each: (counts[each] < 4, abs(counts[each] - 4), each))
    for entity in order[:2]:
        _, found = whole_list(session, {"entity": entity})
        if len(found) >= 4:
            return {"entity": entity}, list(found)
    msg = "no entity is known to have four webhook requests, so that there are pages"
    raise Unreachable(msg)


def _page(session: Session, filters: dict[str, str], **paging: int) -> tuple[Exchange, list[str]]:
    exchange = session.call("list", {**filters, **paging})
    return exchange, [str(record.get("id")) for record in exchange.records]


@probe("list.paging.number_of_results", layer="read", cost=4)
def list_returns_no_more_than_asked(session: Session) -> None:
    """number_of_results is the most that list returns, and it returns as many as there are."""
    filters, known = _busiest(session)
    statement = "list.paging.number_of_results"
    largest = 0
    for wanted in (1, 2, 3, len(known) + 1):
        exchange, ids = _page(session, filters, number_of_results=wanted)
        if wanted > len(known):
            _note_maximum(session, exchange, len(ids), len(known))
            break
        if not exchange.ok and wanted > 1:  # more than the target's maximum, perhaps
            session.findings.chose("paging.over_maximum", "error", exchange)
            session.findings.chose("paging.maximum_results", largest, exchange)
            return
        if not session.expect_served(statement, exchange, f"number_of_results={wanted}"):
            return
        # A target may have a maximum: then more than that brings no more.
        fine = len(ids) == wanted or (0 < len(ids) == largest)
        session.expect(
            statement,
            exchange,
            kept=fine,
            expected=f"{wanted} of {len(known)} webhook requests",
            seen=f"{len(ids)} webhook requests",
        )
        largest = max(largest, len(ids))


def _note_maximum(session: Session, exchange: Exchange, came: int, known: int) -> None:
    """Note what becomes of a number that is larger than there are webhook requests."""
    if not exchange.ok:
        session.findings.chose("paging.over_maximum", "error", exchange)
        note_refusal(session, "bad_paging", exchange)
    elif 0 < came < known:
        session.findings.chose("paging.over_maximum", "cut", exchange)
        session.findings.chose("paging.maximum_results", came, exchange)


@probe("list.paging.offset", layer="read", cost=7)
def list_skips_as_many_as_asked(session: Session) -> None:
    """Offset skips webhook requests one by one; the pages together are the whole list."""
    filters, known = _busiest(session)
    length = min(len(known), 4)
    places = sorted({*range(length), len(known) - 1, len(known)})
    single = [(at, *_page(session, filters, number_of_results=1, offset=at)) for at in places]
    for at, exchange, ids in single:
        if not session.expect_served("list.paging.offset", exchange, f"offset={at}"):
            return
        right = 1 if at < len(known) else 0
        session.expect(
            "list.paging.offset",
            exchange,
            kept=len(ids) == right or len(ids) > 1,  # the number is another statement's
            expected=f"{right} of {len(known)} webhook requests behind the first {at}",
            seen=f"{len(ids)} webhook requests",
        )
    _joined(session, known, [(exchange, ids) for at, exchange, ids in single if at < length])
    _overlapping(session, filters, [ids for _, _, ids in single])


def _joined(
    session: Session, known: list[str], parts: Sequence[tuple[Exchange, list[str]]]
) -> None:
    """Check whether pages of one have no webhook request twice, and none from elsewhere."""
    if any(len(ids) != 1 for _, ids in parts):
        return
    joined = [ids[0] for _, ids in parts]
    strange = set(joined) - set(known)
    seen = f"{len(set(joined))} different ones"
    session.expect(
        "list.paging.offset",
        *(exchange for exchange, _ in parts),
        kept=len(set(joined)) == len(joined) and not strange,
        expected=f"{len(joined)} different webhook requests at as many offsets",
        seen=f"{seen}, {len(strange)} of them not in the whole list" if strange else seen,
    )


def _overlapping(session: Session, filters: dict[str, str], single: Sequence[list[str]]) -> None:
    """Check whether a page of two at offset 1 begins where the second page of one does."""
    exchange, ids = _page(session, filters, number_of_results=2, offset=1)
    if len(ids) == 2 and all(len(each) == 1 for each in single[1:3]):
        wanted = [single[1][0], single[2][0]]
        session.expect(
            "list.paging.offset",
            exchange,
            kept=set(ids) == set(wanted),
            expected=f"the second and the third webhook request, {' and '.join(wanted)}",
            seen=" and ".join(ids),
        )


@probe("list.paging.numbers", layer="read", cost=4)
def note_odd_paging(session: Session) -> None:
    """Note what becomes of numbers that the page does not speak of."""
    filters, _ = _busiest(session)
    cut = session.memory.get("lists are cut at", 0)
    if cut:
        session.findings.chose("paging.default_results", cut)
    zero, ids = _page(session, filters, number_of_results=0)
    way = ("none" if not ids else "all") if zero.ok else "error"
    session.findings.chose("paging.zero", way, zero)
    ways = set()
    for odd in ({"number_of_results": -1}, {"offset": -1}):
        exchange, _ = _page(session, filters, **odd)
        ways.add("ignore" if exchange.ok else "error")
        note_refusal(session, "bad_paging", exchange)
    if len(ways) == 1:
        session.findings.chose("paging.negative", ways.pop())
    note_refusal(session, "bad_paging", session.call("list", {**filters, "offset": "two"}))
