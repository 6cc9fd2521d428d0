"""Observe the pages of one list: each webhook request has one place in the pages of one size.

The order of a list is open. It may depend on the filters and on the size of a page, so pages are
compared only with pages of the same filters and size. (``lists`` checks which webhook requests
there are, and how many.) Somebody else may change a list between two pages. So two pages that
contradict each other are requested again: the server is wrong only if both come as before.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.changes import Change
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.oracle.confirmations import PagesContradict
from crmcom_kit.contract_tests.oracle.parsing import Request
from crmcom_kit.contract_tests.oracle.suspicions import Finding, Held, Suspicion

#: The maximum numbers of pages that are kept of one list and size, and of such lists.
MAX_PAGES, MAX_LISTS = 24, 200
#: The statement that is broken: pages of one list and size differ only in their offset.
STATEMENT = "list.paging.offset"


@dataclass(frozen=True, slots=True)
class Page:
    """One part of a list."""

    exchange: Exchange
    offset: int
    ids: tuple[str, ...]

    @property
    def places(self) -> dict[int, str]:
        """The webhook request at each place of the list."""
        return dict(enumerate(self.ids, self.offset))


@dataclass(slots=True)
class Pages:
    """The pages of each list and size since the last change."""

    belief: Belief
    _pages: dict[Any, dict[int, Page]] = field(default_factory=dict)  # by list, and by offset
    _last_change: Change | None = None  # that was served before the pages came

    def observe(self, exchange: Exchange, request: Request) -> Iterator[Finding]:
        """Compare one part of a list with the other parts."""
        if request.name != "list" or not exchange.ok or not request.is_clear or not request.filters:
            return
        ids = tuple(exchange.by_id)
        if len(ids) != len(exchange.records):
            return
        change = self.belief.changes.last_served()
        is_moving = "life_cycle_state" in request.filters and bool(self.belief.records.unsettled)
        if change is not self._last_change or is_moving or len(self._pages) > MAX_LISTS:
            self._pages.clear()
            self._last_change = change
        page = Page(exchange, request.offset, ids)
        yield from self._compare(page, (request.limit, *sorted(request.filters.items())))

    def _compare(self, page: Page, key: Any) -> Iterator[Finding]:
        pages = self._pages.setdefault(key, {})
        if page.offset in pages:
            if pages[page.offset].ids != page.ids:  # the list has changed, or has no fixed order
                self._pages[key] = {page.offset: page}
            return
        earlier_pages = [*pages.values()]
        if len(pages) < MAX_PAGES:
            pages[page.offset] = page
        for earlier_page in earlier_pages:
            contradiction = _contradiction(page, earlier_page)
            if contradiction is not None:
                exchange = earlier_page.exchange
                hypotheses = (PagesContradict(STATEMENT, (exchange, page.exchange)),)
                yield Suspicion(
                    page.exchange, *contradiction, hypotheses, earlier_exchanges=(exchange,)
                )
                return
        if earlier_pages and page.offset:
            yield Held(STATEMENT)


def _contradiction(page: Page, earlier_page: Page) -> tuple[str, str] | None:
    """Return what is expected and seen if two pages contradict each other, or None."""
    pages = sorted((page, earlier_page), key=lambda page: page.offset)
    ids, later_ids = (page.places for page in pages)
    for place in ids.keys() & later_ids.keys():
        if ids[place] != later_ids[place]:
            return f"{ids[place]} at position {place}, as before", later_ids[place]
    places = {key: place for place, key in ids.items()}
    for place, key in later_ids.items():
        if places.get(key, place) != place:
            expected = f"another webhook request at position {place}"
            return expected, f"{key}, which is also at position {places[key]}"
    return None
