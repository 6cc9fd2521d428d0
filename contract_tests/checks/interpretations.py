"""The ways to interpret list's filters where the documents leave it open.

A server reads them one way; a run finds out which by leaving out the ways that an answer rules
out. Only a server that no single way explains is wrong.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.stateful.cases import Named
from crmcom_kit.schemas.formats import parse_date, parse_date_time

#: The parameters of list of which one must be specified.
SEMI_OPTIONAL = (
    "webhook_definition_identifier", "workflow_rule_identifier", "entity", "entity_id",
)  # fmt: skip
_PLAIN = {"entity": "entity", "entity_id": "entity_id", "life_cycle_state": "life_cycle_state"}
_OBJECT = {
    "webhook_definition_identifier": "webhook_definition",
    "workflow_rule_identifier": "workflow_rule",
}
_URL: dict[str, Callable[[str, str], bool]] = {
    "exact": lambda url, wanted: url == wanted,
    "prefix": lambda url, wanted: url.startswith(wanted),
    "contains": lambda url, wanted: wanted in url,
}
_DATE = ("day", "instant", "from")


@dataclass(frozen=True, slots=True)
class Interpretation:
    """One way to read the filters; the values are those of the dials ``list.*``."""

    combine: str
    url: str
    day: str  # how created_date selects where it is a date
    moment: str  # the same where it is a date and time


class Interpretations(tuple[Interpretation, ...]):
    """The interpretations that are left, at first all of them."""

    def __init__(self, _: Iterable[Interpretation]) -> None:
        """Keep them, in their order."""
        self._kinds: dict[tuple[str, ...], list[Interpretation]] = {}

    def of_each_kind(self, filters: Mapping[str, Any]) -> list[Interpretation]:
        """Return one interpretation of each kind that makes a difference to ``filters``."""
        matter = dimensions(filters)
        if matter not in self._kinds:
            kinds = {tuple(getattr(each, n) for n in matter): each for each in reversed(self)}
            self._kinds[matter] = list(reversed(kinds.values()))
        return self._kinds[matter]


INTERPRETATIONS = Interpretations(
    Interpretation(*each) for each in product(("all", "any"), _URL, _DATE, _DATE)
)

RecordMapping = Mapping[str, Any]


class Span(NamedTuple):
    """Ids of webhook requests: those that fit for sure, and those that may."""

    sure: frozenset[str]
    possible: frozenset[str]


def is_date(text: str) -> bool:
    """Whether a created_date is a date without a time."""
    return "T" not in text


def has_api_form(text: str) -> bool:
    """Whether ``text`` is a date, or a date and time, in the form that the API writes."""
    try:
        (parse_date if is_date(text) else parse_date_time)(text)
    except ValueError:
        return False
    return True


def dimensions(filters: Mapping[str, Any]) -> tuple[str, ...]:
    """The members of an interpretation that matter to these filters."""
    found = ["combine"] if sum(name in filters for name in SEMI_OPTIONAL) > 1 else []
    if "url" in filters:
        found.append("url")
    if "created_date" in filters:
        found.append("day" if is_date(filters["created_date"]) else "moment")
    return tuple(found)


def fits(
    record: Mapping[str, Any], name: str, wanted: Any, interpretation: Interpretation
) -> bool | None:
    """Whether a webhook request fits one filter; None where it does not tell."""
    if isinstance(wanted, Named):
        inner = record.get(_OBJECT[name])
        seen = inner.get(wanted.field) if isinstance(inner, dict) else None
        return None if seen is None else seen == wanted.value
    if name == "created_date":
        return _created(
            record, wanted, interpretation.day if is_date(wanted) else interpretation.moment
        )
    seen = record.get(_PLAIN.get(name, name))
    if not isinstance(seen, str):
        return None
    return _URL[interpretation.url](seen, wanted) if name == "url" else seen == wanted


def _created(record: Mapping[str, Any], wanted: str, how: str) -> bool | None:
    log = record.get("log_information")
    try:
        seen = parse_date_time(log["created_date"])  # type: ignore[index]
    except (TypeError, KeyError, ValueError):
        return None
    asked = _start(parse_date(wanted)) if is_date(wanted) else parse_date_time(wanted)
    if how == "instant":
        return seen == asked
    return seen >= asked if how == "from" else seen.date() == asked.date()


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the API's dates have no zone


def day_ends(moment: str) -> tuple[str, ...]:
    """Return the moments around the ends of the day of ``moment``, as the API writes them."""
    start = _start(parse_date_time(moment).date())
    seconds = (-1, 0, 1, 86_399, 86_400)
    return tuple((start + timedelta(seconds=each)).isoformat() for each in seconds)


class Spans:
    """What single filters select of webhook requests, found out anew only for those that change."""

    def __init__(
        self, start: Mapping[str, RecordMapping], found: dict[Any, Span] | None = None
    ) -> None:
        """Begin with what there is; ``found``: what filters select of it, as far as it is known."""
        self._start = start if found is not None else dict(start)
        self._found: dict[Any, Span] = {} if found is None else found
        self._changed: set[str] = set()
        self._now: dict[Any, Span] = {}

    def begun_anew(self, records: Mapping[str, RecordMapping]) -> "Spans":
        """Return spans of ``records``, which are as these are now, to be changed without these."""
        return Spans(records) if self._changed else Spans(self._start, self._found)

    def change(self, record_id: str) -> None:
        """Note that a webhook request is another than it was, or gone, or new."""
        self._changed.add(record_id)
        self._now.clear()

    def of(
        self,
        name: str,
        wanted: Any,
        interpretation: Interpretation,
        records: Mapping[str, RecordMapping],
    ) -> Span:
        """Return what one filter selects of ``records``, which are the present ones."""
        key = (
            name,
            wanted,
            *(getattr(interpretation, each) for each in dimensions({name: wanted})),
        )
        if key in self._now:
            return self._now[key]
        if key not in self._found:
            self._found[key] = _fitting(self._start, name, wanted, interpretation)
        sure, possible = self._found[key]
        if self._changed:
            others = {each: records[each] for each in self._changed if each in records}
            now = _fitting(others, name, wanted, interpretation)
            sure = (sure - self._changed) | now.sure
            possible = (possible - self._changed) | now.possible
        if isinstance(wanted, Named) and wanted.field != "id" and _shared(records, name, sure):
            sure = frozenset()  # a name of several: which of them is meant is open
        self._now[key] = Span(sure, possible)
        return self._now[key]


def selected(
    filters: Mapping[str, Any],
    interpretation: Interpretation,
    records: Mapping[str, RecordMapping],
    spans: Spans | None = None,
) -> Span:
    """Return the webhook requests that list has to find, and those that it may.

    Args:
        filters: the filters that are given.
        interpretation: how they are read.
        records: what there is, by id.
        spans: what single filters select of these, where it is kept.
    """
    spans = Spans(records) if spans is None else spans
    either: list[Span] = []
    every: list[Span] = []
    for name, wanted in filters.items():
        semi = name in SEMI_OPTIONAL and interpretation.combine == "any"
        (either if semi else every).append(spans.of(name, wanted, interpretation, records))
    if either:
        every.append(
            Span(_union(each.sure for each in either), _union(each.possible for each in either))
        )
    if not every:
        everything = frozenset(records)
        return Span(everything, everything)
    return Span(
        frozenset.intersection(*(each.sure for each in every)),
        frozenset.intersection(*(each.possible for each in every)),
    )


def _fitting(
    records: Mapping[str, RecordMapping], name: str, wanted: Any, interpretation: Interpretation
) -> Span:
    """Return which of ``records`` fit one filter for sure, and which of them may."""
    answers = {each: fits(record, name, wanted, interpretation) for each, record in records.items()}
    return Span(
        frozenset(each for each, answer in answers.items() if answer),
        frozenset(each for each, answer in answers.items() if answer is not False),
    )


def _shared(records: Mapping[str, RecordMapping], name: str, found: Iterable[str]) -> bool:
    return len({str(records[each][_OBJECT[name]].get("id")) for each in found}) > 1


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)
