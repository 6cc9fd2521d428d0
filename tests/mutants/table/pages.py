"""Mutants that are wrong about pages of a list."""

# Each row stays together, as in a table.
# fmt: off

from dataclasses import replace
from itertools import groupby
from typing import Any

from stand_in.reading import OPTIONAL, PAGING, Call
from stand_in.server import StandIn
from stand_in.world import Record

from mutants.combinators import keeps_list, mutant, pages, refuses, row, step

row(1, "offset_one_too_few", "list.paging.offset",
    "From the second page on one record too few is skipped.",
    pages(skip=lambda call: max(0, call.skip - 1)), release="R13")

row(1, "one_too_many_on_later_pages", "list.paging.number_of_results",
    "Pages after the first have one record too many.",
    pages(limit=lambda call: call.limit + 1 if call.skip and call.limit else call.limit),
    release="R13")

row(1, "offset_at_end_repeats_last", "list.paging.offset",
    "An offset that skips exactly all returns the last record.",
    step("page", lambda base, found, call:
        found[-1:] if call.skip == len(found) else base(found, call)), release="R13")

row(1, "offset_beyond_end_starts_over", "list.paging.offset",
    "An offset beyond the end returns the first page.",
    pages(skip=lambda found, call: 0 if call.skip > len(found) else call.skip), release="R13")

row(1, "limit_ignored_beside_state", "list.paging.number_of_results",
    "number_of_results counts for nothing where a state is given.",
    step("page", lambda base, found, call:
        found if "life_cycle_state" in call.filters else base(found, call)), release="R13")

@mutant(1, "list.paging.offset", step("do_list"), release="R13")
def paged_before_state_filter(server, call):
    """The page is cut from all states, and then the state is filtered."""
    state = call.filters.pop("life_cycle_state", None)
    found = server.page(server.select(call), call)
    kept = [record for record in found if not state or record.life_cycle_state in state]
    return [server.trimmed(record, call) for record in kept]

row(1, "offset_needs_limit", "list.paging.offset",
    "offset counts for nothing without number_of_results.",
    step("page", lambda base, found, call: found if call.limit is None else base(found, call)),
    release="R13")

row(1, "offset_counts_pages", "list.paging.offset",
    "offset is taken for a number of pages.",
    pages(skip=lambda call: call.skip * (call.limit or 1)), release="R13")

row(1, "later_pages_in_other_order", "list.paging.offset",
    "Pages after the first are cut from the records in reverse order.",
    step("page", lambda base, found, call: base(found[::-1] if call.skip else found, call)),
    release="R13")

row(2, "list_key_lacks_offset", "list.paging.offset",
    "offset is not in the key of the cache.",
    keeps_list(lambda call: repr((call.filters, call.fields, call.limit))), release="R13")

row(2, "limit_above_ten_ignored", "list.paging.number_of_results",
    "number_of_results counts for nothing above 10.",
    pages(limit=lambda call: None if call.limit is not None and call.limit > 10 else call.limit),
    release="R13")

@mutant(2, "list.paging.offset", step("page"), release="R13", order="number")
def ties_in_other_order(base, found, call):
    """Records of one second change places on every other page."""
    if call.limit and call.skip // call.limit % 2:
        groups = groupby(found, key=lambda record: record.created)
        found = [record for _, group in groups for record in [*group][::-1]]
    return base(found, call)

row(2, "paging_ignored_with_fields", "list.paging.number_of_results",
    "Paging counts for nothing where fields_set is given.",
    step("page", lambda base, found, call: base(found, call) if call.fields is None else found),
    release="R13")

@mutant(2, "list.paging.offset", step("page"), release="R13")
def last_page_filled_up(base, found, call):
    """The last page begins earlier, so that it is full."""
    if call.limit is not None and call.skip < len(found):
        call.skip = max(0, min(call.skip, len(found) - call.limit))
    return base(found, call)

@mutant(2, "list.paging.offset", step("page"), release="R13")
def paging_bound_in_order(base, found, call):
    """The two numbers of paging are bound in the order in which they are written."""
    order = [name for name in call.written if name in PAGING]
    if order == [*PAGING] and call.limit is not None:
        call.limit, call.skip = call.skip, call.limit
    return base(found, call)

@mutant(2, "list.paging.number_of_results", step("page"), release="R13")
def limit_for_each_state(found, call):
    """number_of_results counts for each state by itself."""
    page, counts = list[Record](), dict[str, int]()
    for record in found[call.skip :]:
        counts[record.life_cycle_state] = counts.get(record.life_cycle_state, 0) + 1
        if call.limit is None or counts[record.life_cycle_state] <= call.limit:
            page.append(record)
    return page

@mutant(2, "list.paging.number_of_results", step("do_list"), release="R13")
def page_padded_with_null(base, call):
    """A page that is not full is filled up with null."""
    rows = base(call)
    missing = min(call.limit or 0, 100) - len(rows)
    return rows + [None] * missing if rows else rows

row(2, "paging_only_after_r13", "list.paging.number_of_results",
    "The release is compared with a sign that excludes R13 itself.",
    step("page", lambda server, base, found, call:
        base(found, call) if server.key > (13, 0) else found), release="R13")

row(3, "limit_is_end_index",
    "list.paging.number_of_results list.paging.offset list.several_results",
    "number_of_results is the index of the last row rather than a count.",
    step("page", lambda found, call: found[call.skip:call.limit]), release="R13")

row(3, "offset_compared_as_text", "list.paging.offset list.several_results",
    "Whether an offset is beyond the end is found by comparing two texts.",
    step("page", lambda base, found, call:
        [] if str(call.skip) > str(len(found)) else base(found, call)), release="R13")

@mutant(3, "list.paging.offset list.paging.number_of_results list.no_duplicates",
    step("page"), release="R13")
def page_counts_joined_rows(base, found, call):
    """Pages are cut from a join, which has a rejected record once for each of its two errors."""
    joined = [record for record in found for _ in range(1 + (record.error_code is not None))]
    return [*{record.id: record for record in base(joined, call)}.values()]

row(3, "limit_of_one_means_all", "list.paging.number_of_results",
    "number_of_results of 1 is what the framework has for not given.",
    pages(limit=lambda call: None if call.limit == 1 else call.limit), release="R13")

@mutant(3, "list.paging.offset list.no_duplicates delete.gone", step("page"), release="R13")
def offset_counts_deleted(server, base, found, call):
    """offset skips rows of the table, deleted ones among them."""
    gone = [record for record in server.deleted.values() if server.selected(record, call)]
    if not call.skip or not gone:
        return base(found, call)
    rows = server.in_order(sorted([*found, *gone], key=lambda record: record.created))
    behind = [record for record in rows[call.skip :] if record not in gone]
    return behind[: call.limit]

@mutant(4, "list.paging.offset list.several_results", step("page"), release="R13")
def offset_applied_twice(base, found, call):
    """Beside an optional filter the database skips the first rows, and so does the code."""
    twice = any(name in call.filters for name in OPTIONAL)
    return base(found[call.skip :] if twice else found, call)

row(4, "zero_offset_refused", "list.paging.offset list.paging.numbers",
    "An offset must be greater than zero.",
    refuses("bad_paging", lambda call:
        call.method == "list" and call.parameters.get("offset") == "0"), release="R13")

@mutant(4, "list.paging.number_of_results", step("page"), release="R13")
def page_with_ties(base, found, call):
    """A page goes on with all records that were created on the day of its last one."""
    page = base(found, call)
    if call.limit is None or not page:
        return page
    for record in found[call.skip + call.limit :]:
        if record.created.date() != page[-1].created.date():
            break
        page.append(record)
    return page

@mutant(4, "list.paging.offset list.several_results", release="R13")
class OffsetFromLastPage(StandIn):
    """offset moves on from where the last page of the same token ended."""

    def set_up(self) -> None:
        self.ends: dict[Any, int] = {}

    def page(self, found: list[Record], call: Call) -> list[Record]:
        token = call.parameters.get("token")
        start = call.skip + self.ends.get(token, 0) if call.skip else 0
        page = super().page(found, replace(call, skip=start))
        self.ends[token] = start + len(page) if call.limit is not None else 0
        return page

@mutant(4, "list.paging.offset list.several_results list.no_duplicates",
    step("page"), release="R13")
def skipped_and_returned_in_two_orders(found, call):
    """Skipped are the first rows, and of what is left those with the lowest ids are returned."""
    rest = found[call.skip :]
    if call.limit is None:
        return rest
    return sorted(rest, key=lambda record: record.id)[: call.limit]

row(5, "offset_rounded_to_page", "list.paging.offset list.several_results",
    "The server counts pages: an offset is rounded down to the beginning of one.",
    pages(skip=lambda call: call.skip - (call.skip % call.limit if call.limit else 0)),
    release="R13")

row(5, "offset_taken_off_the_end", "list.paging.offset list.several_results",
    "offset drops so many records at the end.",
    step("page", lambda base, found, call:
        base(found[:max(0, len(found) - call.skip)], replace(call, skip=0))), release="R13")

@mutant(5, "list.paging.number_of_results list.several_results", release="R13")
class LimitOfFirstPageKept(StandIn):
    """The query of a session is prepared with the number_of_results that came first."""

    def set_up(self) -> None:
        self.limits: dict[Any, int] = {}

    def page(self, found: list[Record], call: Call) -> list[Record]:
        if call.limit is not None:
            limit = self.limits.setdefault(call.parameters.get("token"), call.limit)
            call = replace(call, limit=limit)
        return super().page(found, call)

@mutant(5,
    "list.paging.number_of_results list.several_results fields_set.default_all response.id",
    step("do_list"), release="R13")
def page_ends_with_total(server, base, call):
    """The last element of a page is no record but an object with the number of all results."""
    rows = base(call)
    total = {"total": str(len(server.select(call)))}
    return rows if call.limit is None else [*rows, total]
