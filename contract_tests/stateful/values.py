"""Values for requests: those that a webhook request fits, and values that are almost right."""

from collections.abc import Callable, Mapping
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


# Near misses: each function makes another text of one that is right.


def _longer(text: str) -> str:
    return f"{text}0"


def _led_by_zero(text: str) -> str:
    return f"0{text}"


def _shorter(text: str) -> str:
    return text[:-1]


def _beheaded(text: str) -> str:
    return text[1:]


def _changed(text: str) -> str:
    """Another last character, of the same kind."""
    return text[:-1] + ("1" if text[-1:] == "0" else "0") if text else "0"


def _other_start(text: str) -> str:
    """Another first character: the last one of a token may hold bits that nobody reads."""
    return ("1" if text[:1] == "0" else "0") + text[1:]


def _any_end(text: str) -> str:
    return f"{text[:-1]}%"


def _any_character(text: str) -> str:
    return f"{text[:-1]}_"


def _anything(_: str) -> str:
    return "%"


def _huge(_: str) -> str:
    return "9" * 40


def _accented(text: str) -> str:
    return f"{text}é"


def _wide(text: str) -> str:
    """Full-width digits and letters, which some servers take for plain ones."""
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


def _quoted(text: str) -> str:
    return f"{text}' OR '1'='1"


def _greek(_: str) -> str:
    return "Ελλάδα \U0001f680"


Mutation = Callable[[str], str]

#: These contain the right text as a whole.
LENGTHENING: tuple[Mutation, ...] = (_longer, _led_by_zero, _accented, _quoted)
#: With these, a server that is wrong might find a webhook request that nobody meant.
WIDENING: tuple[Mutation, ...] = (
    _shorter, _beheaded, _changed, _any_end, _any_character, _anything, _huge, _wide, _greek,
)  # fmt: skip
MUTATIONS = LENGTHENING + WIDENING

#: What is made of a token or password has its inner part, by which reports redact it.
TOKEN_MUTATIONS: tuple[Mutation, ...] = (_longer, _shorter, _other_start)


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
