"""From a query to the bodies it finds: the smallest index that fits, and a look at its records.

List is called more often than anything else but show, and most of its answers are short: what is
done once a query is kept as small as what is done once a record.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any

from crmcom_kit.mock_server.store.content import (
    NO_DATE,
    REJECTED,
    SENDING,
    SUCCESSFUL,
    Content,
    IndexedColumn,
    with_state,
)
from crmcom_kit.mock_server.store.keys import Texts
from crmcom_kit.mock_server.store.postings import Index, merged
from crmcom_kit.mock_server.store.records import IndexedField, Query

_END_OF_TIME = 2**63
_FEW = 64  # positions that are all looked at, whatever the page
_AT_ONCE = 1000  # no more positions as objects of their own at a time
_States = tuple[int, ...] | None  # as they are kept; None where all fit
_Check = tuple[Sequence[int], Container[int]]  # a column, and what must stand in it
#: One indexed condition: how many records fit, the index that tells, its keys; column and values.
_Choice = tuple[int, Index, list[int], IndexedColumn, list[int]]


def search(content: Content, query: Query) -> list[bytes]:
    """Return the bodies that ``query`` finds. The page and the positions looked at are the cost."""
    states: _States = None
    if query.states is not None:
        states = _kept(query.states)
    if states == () or query.limit == 0:
        return []
    indexed = query.indexed
    if len(indexed) == 1 and len(indexed[0][1]) == 1:
        found = _of_one_value(content, query, states)
        if found is not None:
            return found
    elif len(indexed) > 1 and not query.any_of_indexed:
        found = _of_single_values(content, query, states)
        if found is not None:
            return found
    if not indexed:
        everything = range(len(content.bodies))
        positions: Iterable[int] = reversed(everything) if query.newest_first else everything
        if states is not None:
            positions = _fitting(positions, content.states, states)
        return _page(content, query, positions)
    choices = [_choice(content.columns[field], texts, states) for field, texts in indexed]
    if len(choices) == 1 or query.any_of_indexed:
        return _any_of(content, query, choices)
    return _all_of(content, query, choices)


def _of_one_value(content: Content, query: Query, states: _States) -> list[bytes] | None:
    """Return the page of one posting that answers everything; None where there is more to see."""
    if query.url is not None or query.created_from is not None or query.created_before is not None:
        return None
    ((field, (text,)),) = query.indexed
    column = content.columns[field]
    value = column.texts.find(text)
    if value is None:
        return []
    if states is None:
        index, key = column.by_value, value
    else:
        index, key = column.by_state, with_state(value, states[0])
    page = index.page(key, query.offset, query.limit, newest_first=query.newest_first)
    if page is None:
        return None
    bodies: list[Any] = content.bodies  # none of these is deleted
    if 1 < len(page) <= _AT_ONCE:
        # In one step, in which the processor waits for many bodies at once, and not for each.
        return list(itemgetter(*page)(bodies))
    return [bodies[position] for position in page]


def _of_single_values(content: Content, query: Query, states: _States) -> list[bytes] | None:
    """Return the page of the records that have one value in each of several fields.

    None where any value of several will do.
    """
    columns, least = content.columns, -1
    values: dict[IndexedField, int] = {}
    for field, texts in query.indexed:
        if len(texts) != 1:
            return None
        column = columns[field]
        (text,) = texts
        value = column.texts.find(text)
        if value is None:
            return []
        values[field] = value
        index, key = column.by_value, value
        if states is not None:
            index, key = column.by_state, with_state(value, states[0])
        size = index.size(key)
        if size < least or least < 0:
            least, smallest, at, covered = size, index, key, field
    if not least:
        return []
    if least > _FEW:  # else looking at each takes no longer
        paired = _smallest_pair(content, values, least)
        if paired is not None:
            return _of_pair(content, query, states, values, *paired)
    checks: list[_Check] = [
        (columns[field].values, (value,)) for field, value in values.items() if field != covered
    ]
    return _checked(content, query, smallest, at, checks, least)


def _smallest_pair(
    content: Content, values: Mapping[IndexedField, int], least: int
) -> tuple[tuple[IndexedField, IndexedField], int | None] | None:
    """Return the two fields whose values meet in the fewest records, and the pair's ordinal.

    The ordinal is None where they never meet. None where any pair has ``least`` records or more.
    """
    found = None
    for fields, pairs in content.pairs.items():
        first, second = fields
        if first in values and second in values:
            ordinal = pairs.find(values[first], values[second])
            if ordinal is None:
                return fields, None
            size = pairs.index.size(ordinal)
            if size < least:
                least, found = size, (fields, ordinal)
    return found


def _of_pair(
    content: Content,
    query: Query,
    states: _States,
    values: Mapping[IndexedField, int],
    fields: tuple[IndexedField, IndexedField],
    ordinal: int | None,
) -> list[bytes]:
    if ordinal is None:
        return []
    checks: list[_Check] = [
        (content.columns[field].values, (value,))
        for field, value in values.items()
        if field not in fields
    ]
    if states is not None:
        checks.append((content.states, states))
    index = content.pairs[fields].index
    return _checked(content, query, index, ordinal, checks, index.size(ordinal))


def _checked(
    content: Content, query: Query, index: Index, key: int, checks: list[_Check], size: int
) -> list[bytes]:
    """Return the page of those records of a posting of that ``size`` that pass the ``checks``."""
    found = _looked_at(query, index, key, checks, size)
    if found is not None:
        bodies: list[Any] = content.bodies  # none of these is deleted
        return [bodies[position] for position in found]
    positions: Iterable[int] = index.walk(key, newest_first=query.newest_first)
    for column, allowed in checks:
        positions = _fitting(positions, column, allowed)
    return _page(content, query, positions)


def _looked_at(
    query: Query, index: Index, key: int, checks: list[_Check], size: int
) -> Sequence[int] | None:
    """Return a page of a posting; None where there is more to it than short ``checks``."""
    if query.url is not None or query.created_from is not None or query.created_before is not None:
        return None
    offset, limit, newest_first = query.offset, query.limit, query.newest_first
    if not checks:
        return index.page(key, offset, limit, newest_first=newest_first)
    if size > _FEW and limit is not None and size > limit:
        return None
    found = index.page(key, 0, None, newest_first=newest_first)
    if found is None:
        return None
    for column, allowed in checks:
        found = [position for position in found if column[position] in allowed]
    return found[offset:][:limit] if offset or limit is not None else found


def _kept(shown: frozenset[str]) -> _States:
    """Return how the states that answers show are kept."""
    if "SUCCESSFUL" in shown:
        return None if "REJECTED" in shown else (SUCCESSFUL,)
    return (REJECTED, SENDING) if "REJECTED" in shown else ()


def _choice(column: IndexedColumn, texts: Iterable[str], states: _States) -> _Choice:
    find = column.texts.find
    values = [value for text in texts if (value := find(text)) is not None]
    index, keys = column.by_value, values
    if states is not None:
        index, keys = column.by_state, [with_state(value, states[0]) for value in values]
    size = index.size(keys[0]) if len(keys) == 1 else sum(map(index.size, keys))
    return size, index, keys, column, values


def _any_of(content: Content, query: Query, choices: list[_Choice]) -> list[bytes]:
    """Walk all indexes at once."""
    walks = [
        index.walk(key, newest_first=query.newest_first)
        for _, index, keys, _, _ in choices
        for key in keys
    ]
    return _page(content, query, merged(walks, newest_first=query.newest_first))


def _all_of(content: Content, query: Query, choices: list[_Choice]) -> list[bytes]:
    """Walk the smallest index, and look for the other conditions at each of its records."""
    chosen = choices[0]
    for choice in choices:
        if choice[0] < chosen[0]:
            chosen = choice
    size, index, keys, _, _ = chosen
    if not size:
        return []
    walks = [index.walk(key, newest_first=query.newest_first) for key in keys]
    positions: Iterable[int] = merged(walks, newest_first=query.newest_first)
    for choice in choices:
        if choice is not chosen:
            column, values = choice[3], choice[4]
            allowed = values if len(values) == 1 else frozenset(values)
            positions = _fitting(positions, column.values, allowed)
    return _page(content, query, positions)


def _fitting(
    positions: Iterable[int], column: Sequence[int], allowed: Container[int]
) -> Iterator[int]:
    return (position for position in positions if column[position] in allowed)


def _page(content: Content, query: Query, positions: Iterable[int]) -> list[bytes]:
    """Return the page of those ``positions`` that meet the conditions which no index answers."""
    if query.created_from is not None or query.created_before is not None:
        first = NO_DATE + 1 if query.created_from is None else query.created_from
        before = _END_OF_TIME if query.created_before is None else query.created_before
        positions = _fitting(positions, content.created, range(max(first, NO_DATE + 1), before))
    if query.url is not None:
        verdicts = _Verdicts(query.url, content.url_texts)
        urls = content.urls
        positions = (position for position in positions if verdicts[urls[position]])
    bodies = content.bodies
    found = (body for position in positions if (body := bodies[position]) is not None)
    end = None if query.limit is None else query.offset + query.limit
    return list(islice(found, query.offset, end))


class _Verdicts(dict[int, bool]):
    """Whether an URL fits, by its ordinal: most webhook requests go to few URLs."""

    def __init__(self, fits: Callable[[str], bool], texts: Texts) -> None:
        super().__init__()
        self._fits = fits
        self._texts = texts

    def __missing__(self, ordinal: int) -> bool:
        verdict = self[ordinal] = self._fits(self._texts[ordinal])
        return verdict
