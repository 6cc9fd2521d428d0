"""The ways in which list's filters may be read where the documents leave it open.

A server reads them in one way; its lists rule out the others. Only a server that no single way
explains is wrong.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from itertools import product
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.moments import moment, seconds
from crmcom_kit.schemas.formats import parse_date, parse_date_time

#: The parameters of list of which one must be specified.
SEMI_OPTIONAL = (
    "webhook_definition_identifier", "workflow_rule_identifier", "entity", "entity_id",
)  # fmt: skip
OBJECT_OF = {
    "webhook_definition_identifier": "webhook_definition",
    "workflow_rule_identifier": "workflow_rule",
}
#: What stands for a secret in a recorded URL: it is equal to itself, and no more is known of it.
_PLACEHOLDER = "$CRMCOM_URL_"
_URL: dict[str, Callable[[str, str], bool]] = {
    "exact": lambda url, wanted: url == wanted,
    "prefix": lambda url, wanted: url.startswith(wanted),
    "contains": lambda url, wanted: wanted in url,
}
_DATE = ("day", "instant", "from")
_DAY = 86_400  # seconds

Record = Mapping[str, Any]
Filters = Mapping[str, Any]


class Named(NamedTuple):
    """What an identifier names: a field and its value."""

    field: str
    value: str


class Interpretation(NamedTuple):
    """One way to read the filters; the values are those of the dials ``list.*``."""

    combine: str
    url: str
    day: str  # how created_date selects where it is a date
    moment: str  # the same where it is a date and time
    zone: int  # hours by which the server's dates differ from those that it shows


#: Plain ones first. Which zone a server compares dates in is open.
INTERPRETATIONS = tuple(
    Interpretation(combine, url, day, moment, zone)
    for combine, zone, url, day, moment in product(
        ("all", "any"), sorted(range(-12, 15), key=abs), _URL, _DATE, _DATE
    )
)


def is_date(text: str) -> bool:
    """Whether a created_date is a date without a time."""
    return "T" not in text


def is_meant(text: str) -> bool:
    """Whether ``text`` is a date, or a date and time, in the form that the API writes."""
    try:
        (parse_date if is_date(text) else parse_date_time)(text)
    except ValueError:
        return False
    return True


def dimensions(filters: Filters) -> tuple[str, ...]:
    """Return the members of an interpretation that matter to these filters."""
    found = ["combine"] if sum(name in filters for name in SEMI_OPTIONAL) > 1 else []
    if "url" in filters:
        found.append("url")
    if "created_date" in filters:
        found += ["day" if is_date(filters["created_date"]) else "moment", "zone"]
    return tuple(found)


def read_alike(filters: Filters) -> Mapping[Interpretation, Sequence[Interpretation]]:
    """Return all interpretations, by the plainest of those that read these filters alike."""
    return _read_alike(dimensions(filters))


@cache
def _read_alike(matter: tuple[str, ...]) -> Mapping[Interpretation, Sequence[Interpretation]]:
    groups: dict[tuple[Any, ...], list[Interpretation]] = {}
    for each in INTERPRETATIONS:
        groups.setdefault(tuple(getattr(each, name) for name in matter), []).append(each)
    return {group[0]: group for group in groups.values()}


def _fits(record: Record, name: str, wanted: Any, how: Interpretation) -> bool | None:
    """Whether a webhook request fits a filter; None if it does not tell."""
    if name == "created_date":
        return _fits_date(record, wanted, how)
    if isinstance(wanted, Named):
        inner = record.get(OBJECT_OF[name], "")
        if inner is None:
            return False  # it has none
        seen = inner.get(wanted.field) if isinstance(inner, dict) else None
        return None if seen is None else _names(seen, wanted)
    seen = record.get(name)
    if not isinstance(seen, str):
        return None
    return _fits_url(seen, wanted, how.url) if name == "url" else seen == wanted


def _fits_url(seen: str, wanted: str, how: str) -> bool | None:
    """Whether a URL fits a filter; None if what stands for a secret does not tell."""
    fits = _URL[how](seen, wanted)
    may_hide_it = how == "contains" and _PLACEHOLDER in seen and not fits
    is_open = how != "exact" and seen != wanted and (_PLACEHOLDER in wanted or may_hide_it)
    return None if is_open else fits


def _names(seen: Any, wanted: Named) -> bool | None:
    """Whether an identifier names what is called ``seen``; None if they differ in case alone.

    Whether names and codes are found in any case is open; ids are compared as they are.
    """
    if seen == wanted.value:
        return True
    is_alike = isinstance(seen, str) and seen.casefold() == wanted.value.casefold()
    return None if is_alike and wanted.field != "id" else False


def _fits_date(record: Record, wanted: str, how: Interpretation) -> bool | None:
    log = record.get("log_information")
    created = moment(log.get("created_date")) if isinstance(log, dict) else None
    if created is None:
        return None
    span, shift = _asked(wanted, how.day if is_date(wanted) else how.moment), 3600 * how.zone
    is_in = created.local + shift in span
    # Whether a server compares what it shows or the moment that is meant is open, too.
    return is_in if (created.utc + shift in span) == is_in else None


@lru_cache(maxsize=256)
def _asked(text: str, how: str) -> range:
    """Return the seconds that a created_date asks for."""
    asked = seconds(_start(parse_date(text)) if is_date(text) else parse_date_time(text))
    if how == "instant":
        return range(asked, asked + 1)
    if how == "from":
        return range(asked, sys.maxsize)
    midnight = asked - asked % _DAY
    return range(midnight, midnight + _DAY)


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the API's dates have no zone


def day_ends(text: str) -> tuple[str, ...]:
    """Return the moments around the ends of the day of a date and time, as the API writes them."""
    found = moment(text)
    if found is None or not found.has_days_around:
        return ()
    start = _start(found.day)
    around = (-1, 0, 1, _DAY - 1, _DAY)
    return tuple((start + timedelta(seconds=each)).isoformat() for each in around)


@dataclass(slots=True)
class Fits:
    """Which of some webhook requests fit each filter, by the ways in which it may be read.

    There are hundreds of interpretations; most differ in nothing that matters to one filter.
    """

    filters: Filters
    records: Sequence[Record]
    _by_filter: dict[tuple[Any, ...], list[bool | None]] = field(default_factory=dict)
    _selected: dict[tuple[Any, ...], frozenset[str]] = field(default_factory=dict)

    def of_filter(self, name: str, interpretation: Interpretation) -> list[bool | None]:
        """Return whether each webhook request fits a filter; None for one that does not tell."""
        key = matters(name, self.filters, interpretation)
        if key not in self._by_filter:
            wanted = self.filters[name]
            found = [_fits(each, name, wanted, interpretation) for each in self.records]
            self._by_filter[key] = found
        return self._by_filter[key]

    def misfits(self, interpretation: Interpretation) -> Iterator[str | None]:
        """Yield for each webhook request a filter that it surely does not fit, or None."""
        fits = {name: self.of_filter(name, interpretation) for name in self.filters}
        is_any = interpretation.combine == "any"
        either = [name for name in fits if is_any and name in SEMI_OPTIONAL]
        every = [name for name in fits if name not in either]
        for at in range(len(self.records)):
            wrong = next((name for name in every if fits[name][at] is False), None)
            if wrong is None and either and all(fits[each][at] is False for each in either):
                wrong = either[0]
            yield wrong

    def tells_of(self, name: str, interpretation: Interpretation) -> bool:
        """Whether a list without this filter would have other webhook requests."""
        others = [each for each in self.filters if each != name]
        return self._select(others, interpretation) != self.select(interpretation)

    def select(self, interpretation: Interpretation) -> frozenset[str]:
        """Return the ids of those that list has to find if the filters are read so."""
        return self._select(self.filters, interpretation)

    def _select(self, names: Iterable[str], interpretation: Interpretation) -> frozenset[str]:
        found = frozenset(each["id"] for each in self.records)
        either: list[frozenset[str]] = []
        for name in names:
            if name in SEMI_OPTIONAL and interpretation.combine == "any":
                either.append(self._sure(name, interpretation))
            else:
                found &= self._sure(name, interpretation)
        return found & frozenset().union(*either) if either else found

    def _sure(self, name: str, interpretation: Interpretation) -> frozenset[str]:
        """Return the ids of those that surely fit a filter."""
        key, wanted = matters(name, self.filters, interpretation), self.filters[name]
        if key not in self._selected:
            fits = zip(self.records, self.of_filter(name, interpretation), strict=True)
            found = [record for record, does_fit in fits if does_fit]
            if isinstance(wanted, Named) and wanted.field != "id":
                found = found if len(self._meant(name, wanted)) < 2 else []
            self._selected[key] = frozenset(each["id"] for each in found)
        return self._selected[key]

    def _meant(self, name: str, wanted: Named) -> set[str]:
        """Return the ids of the objects that a name may mean: which of several does, is open."""
        objects = [record.get(OBJECT_OF[name]) for record in self.records]
        shown = [inner for inner in objects if isinstance(inner, dict)]
        return {
            str(inner.get("id"))
            for inner in shown
            if inner.get(wanted.field) is not None
            and _names(inner[wanted.field], wanted) is not False
        }


def matters(name: str, filters: Filters, interpretation: Interpretation) -> tuple[Any, ...]:
    """Return a filter's name with the values of what matters to it of an interpretation."""
    matter = dimensions({name: filters[name]})
    return (name, *(getattr(interpretation, each) for each in matter))
