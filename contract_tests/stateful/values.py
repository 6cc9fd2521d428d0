"""Values for requests: those that a webhook request fits, and those that are almost so."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from hypothesis import strategies as st

from crmcom_kit.contract_tests.checks.interpretations import (
    OBJECT_OF,
    SEMI_OPTIONAL,
    day_ends,
    is_meant,
)
from crmcom_kit.contract_tests.checks.sense import FIELDS
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.near_misses import Mutation

OPTIONAL = ("url", "life_cycle_state", "created_date")
STATES = ("REJECTED", "SUCCESSFUL")

#: Which filters a list has: one to four, a semi-optional one among them; those with several first.
FILTERS = tuple(
    semi + optional
    for size in (2, 1, 3)
    for semi in combinations(SEMI_OPTIONAL, size)
    for more in (1, 0, 2)
    for optional in combinations(OPTIONAL, more)
    if size + more <= 4
)


#: Those with one or two filters; half of all lists are so.
PLAIN_FILTERS = tuple(each for each in FILTERS if len(each) <= 2)


def _fields_sets() -> st.SearchStrategy[str | None]:
    some = st.lists(st.sampled_from(FIELDS), min_size=1, max_size=4, unique=True).map(",".join)
    every = st.just(",".join(reversed(FIELDS)))
    return st.one_of(st.none(), st.just(None), some, st.sampled_from(FIELDS) | every)


#: Values of fields_set; None: the request has none, as half of them.
FIELDS_SETS = _fields_sets()


def filter_values(record: Record, name: str) -> list[Any]:
    """Return values of the filter ``name`` that a webhook request fits, or fits nearly (dates)."""
    if name in OBJECT_OF:
        inner = record.get(OBJECT_OF[name])
        inner = inner if isinstance(inner, Mapping) else {}
        fields = ("id", "name", "alternative_code")
        return [{each: inner[each]} for each in fields if _is_text(inner.get(each))]
    if name == "created_date":
        return _dates(record)
    value = record.get(name)
    return [value] if _is_text(value) else []


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _dates(record: Record) -> list[str]:
    """Return the day and moment a webhook request was made at, and those around the day's ends."""
    log = record.get("log_information")
    found = log.get("created_date") if isinstance(log, Mapping) else None
    if not isinstance(found, str) or not is_meant(found):
        return []
    ends = day_ends(found)
    days = dict.fromkeys(each[:10] for each in (found, ends[0], ends[-1]))
    return [*days, found, *ends]


def nearly(value: Any, mutation: Mutation) -> Any:
    """Return a filter's value changed by ``mutation``; of an identifier its field's value."""
    if isinstance(value, Mapping):
        return {name: mutation(each) for name, each in value.items()}
    return mutation(value)
