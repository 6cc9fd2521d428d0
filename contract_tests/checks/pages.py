"""Compare the pages of one list: each webhook request has one place, all pages are the whole.

The order of a list is open, and others may change it between two pages. So two pages that
contradict each other are asked for again, several times in a row: only if both come as before each
time, the server is wrong. Where the same page comes in another way again and again, there is no
order, and nothing to compare.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from crmcom_kit.contract_tests.checks.lists import Lists
from crmcom_kit.contract_tests.checks.sense import Sense
from crmcom_kit.contract_tests.checks.world import World, ids_of
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.findings import Violation

#: So many pages of one list are kept, of so many lists, and of so many results each.
MAX_PAGES, MAX_LISTS, MAX_RESULTS = 24, 200, 1_000
#: So often a page must come again as it was: servers behind one address may take turns.
TIMES_AGAIN = 3


@dataclass(slots=True)
class Page:
    """One part of a list."""

    exchange: Exchange
    offset: int
    limit: int | None
    ids: tuple[str, ...]
    count: int  # of results; with fields_set they may have no ids
    again: int = 0  # how often it came once more as it was, since it is in question

    @property
    def places(self) -> dict[int, str]:
        """The webhook request at each place of the list."""
        return dict(enumerate(self.ids, self.offset))

    @property
    def is_end(self) -> bool:
        """Whether the list ends with it, as far as it tells itself."""
        return self.limit is None or self.count < self.limit

    @property
    def is_named(self) -> bool:
        """Whether each result has an id."""
        return len(self.ids) == self.count


@dataclass(slots=True)
class Contradiction:
    """Two pages that cannot both be right."""

    violation: Violation
    pages: tuple[Page, Page]

    @property
    def calls(self) -> tuple[Call, ...]:
        """The requests that make sure of it."""
        return tuple(
            page.exchange.call for page in self.pages for _ in range(page.again, TIMES_AGAIN)
        )


@dataclass(slots=True)
class Pages:
    """Keeps the pages of each list until something changes."""

    world: World
    lists: Lists
    open: list[Contradiction] = field(default_factory=list)
    _pages: dict[Any, list[Page]] = field(default_factory=dict)
    _at: int = -1  # number of changes when the pages came
    _steady: int = 0  # how often a page came again as it was
    _moved: int = 0  # how often it did not, though the run has changed nothing

    @property
    def is_moving(self) -> bool:
        """Whether lists have no order that is kept from one request to the next."""
        return self._moved >= TIMES_AGAIN and self._moved * 2 > self._steady

    def start(self) -> None:
        """Forget all pages: the server has other content from now on."""
        self.open.clear()
        self._pages.clear()

    def check(self, exchange: Exchange, sense: Sense) -> Iterator[str | Violation]:
        """Compare one part of a list with the other parts."""
        if sense.name != "list" or not exchange.ok or not sense.is_clear or not sense.filters:
            return
        ids = tuple(ids_of(exchange.records))
        if len(set(ids)) != len(ids) or len(ids) > MAX_RESULTS:
            return
        if self.is_moving:
            return
        served = sum(change.served for change in self.world.changes)
        moving = self.world.unsettled and "life_cycle_state" in sense.filters
        if served != self._at or moving or len(self._pages) >= MAX_LISTS:
            self.start()
            self._at = served
        page = Page(exchange, sense.offset, sense.limit, ids, len(exchange.records))
        yield from self._placed(page, _key(sense.filters))

    def _placed(self, page: Page, key: Any) -> Iterator[str | Violation]:
        pages = self._pages.setdefault(key, [])
        same = [each for each in pages if _part(each) == _part(page)]
        if any((each.ids, each.count) != (page.ids, page.count) for each in same):
            self._moved += 1
            pages[:] = [page]  # the list has changed, or its order is no order
            self.open = [
                each for each in self.open if not set(map(id, each.pages)) & set(map(id, same))
            ]
            return
        if same:
            self._steady += 1
            same[0].again += 1
            yield from self._confirmed()
            return
        others = list(pages)
        if len(pages) < MAX_PAGES:
            pages.append(page)
        for other in others:
            violation = self._contradiction(page, other)
            if violation is not None:
                page.again = other.again = 0
                self.open.append(Contradiction(violation, (other, page)))
                yield from self._confirmed()
                return
        if others and page.offset:
            yield "list.paging.offset"

    def _confirmed(self) -> Iterator[Violation]:
        for each in list(self.open):
            if self.world.exclusive or all(page.again >= TIMES_AGAIN for page in each.pages):
                self.open.remove(each)
                yield each.violation

    def _contradiction(self, page: Page, other: Page) -> Violation | None:
        """Return what is broken if both pages are right, or None."""
        if not (page.is_named and other.is_named):
            return self._by_fields(page, other)
        first, second = sorted((page, other), key=lambda each: each.offset)
        statement = "list.paging.offset" if second.offset else "list.paging.number_of_results"
        places, others = first.places, second.places
        for at in places.keys() & others.keys():
            if places[at] != others[at]:
                return self._violation(
                    statement, page, other, f"{places[at]} at position {at}, as before", others[at]
                )
        where = {key: at for at, key in places.items()}
        for at, key in others.items():
            if where.get(key, at) != at:
                return self._violation(
                    statement, page, other, f"another webhook request at position {at}",
                    f"{key}, which is also at position {where[key]}",
                )  # fmt: skip
        return self._by_length(page, other)

    def _by_fields(self, page: Page, other: Page) -> Violation | None:
        """Compare how many results a list has with some fields and with others."""
        alike = (page.offset, page.limit) == (other.offset, other.limit)
        if not alike or page.count == other.count:
            return None
        more, fewer = sorted((page, other), key=lambda each: each.count, reverse=True)
        return self._violation(
            "list.several_results", fewer, more, f"{more.count} results with any fields_set",
            str(fewer.count),
        )  # fmt: skip

    def _by_length(self, page: Page, other: Page) -> Violation | None:
        """Compare a page with the length of the whole list, where that is known."""
        whole, part = (page, other) if _is_whole(page) else (other, page)
        if not _is_whole(whole) or (part.limit is None and not part.offset):
            return None
        if len(whole.ids) >= self.lists.longest[whole.limit is not None] and len(whole.ids) > 1:
            return None  # it may be cut
        wanted = max(0, len(whole.ids) - part.offset)
        wanted = wanted if part.limit is None else min(wanted, part.limit)
        cut = 1 < len(part.ids) == self.lists.longest[part.limit is not None]
        if len(part.ids) == wanted or (len(part.ids) < wanted and cut):
            return None
        statement = "list.paging.offset" if part.offset else "list.paging.number_of_results"
        return self._violation(
            statement, page, other,
            f"{wanted} webhook requests, since there are {len(whole.ids)} and {part.offset} are "
            "skipped",
            f"{len(part.ids)}",
        )  # fmt: skip

    @staticmethod
    def _violation(statement: str, page: Page, other: Page, expected: str, seen: str) -> Violation:
        return Violation(statement, other.exchange, page.exchange, expected=expected, seen=seen)


def _is_whole(page: Page) -> bool:
    return page.offset == 0 and page.is_end


def _part(page: Page) -> tuple[int, int | None, bool]:
    return page.offset, page.limit, page.is_named


def _key(filters: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(sorted(filters.items()))
