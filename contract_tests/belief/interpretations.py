"""The ways in which list's filters may be read where the documents leave it open.

A server reads them in one way; its lists rule out the others. Only a server that no single way
explains is wrong.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache, lru_cache, reduce
from itertools import product
from operator import and_
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.knowledge import Digest
from crmcom_kit.contract_tests.belief.moments import DAY, Moment, moment, seconds
from crmcom_kit.contract_tests.belief.zones import (
    ALL,
    NO,
    UNKNOWN,
    YES,
    Fit,
    Zones,
    is_among,
)
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
_DAY = ("day", "instant", "from")
_MOMENT = (*_DAY, "minute", "from_day", "from_minute", "nearest_minute")

Record = Mapping[str, Any]
Filters = Mapping[str, Any]


class Identifier(NamedTuple):
    """What an identifier names: a field and its value."""

    field: str
    value: str


class Interpretation(NamedTuple):
    """One way to read the filters; the values are those of the dials ``list.*``.

    In which zone dates are compared is open, too: each interpretation is held against all zones.
    """

    combine: str
    url: str
    day: str  # how created_date selects where it is a date
    #: The same where it is a date and time, which may be cut to its day or minute, or rounded.
    moment: str


#: Plain ones first.
INTERPRETATIONS = tuple(map(Interpretation._make, product(("all", "any"), _URL, _DAY, _MOMENT)))


def is_date(text: str) -> bool:
    """Whether a created_date is a date without a time."""
    return "T" not in text


def is_api_date(text: str) -> bool:
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
        found.append("day" if is_date(filters["created_date"]) else "moment")
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


def _fit(record: Record, name: str, wanted: Any, how: Interpretation) -> Fit:
    """Return whether a webhook request fits a filter that is no date."""
    if isinstance(wanted, Identifier):
        inner = record.get(OBJECT_OF[name], "")
        if inner is None:
            return NO  # it has none
        seen = inner.get(wanted.field) if isinstance(inner, dict) else None
        fits = None if seen is None else _names(seen, wanted)
    else:
        seen = record.get(name)
        fits = None
        if isinstance(seen, str):
            fits = _fits_url(seen, wanted, how.url) if name == "url" else seen == wanted
    return UNKNOWN if fits is None else YES if fits else NO


def _fits_url(seen: str, wanted: str, how: str) -> bool | None:
    """Whether a URL fits a filter; None if what stands for a secret does not tell."""
    fits = _URL[how](seen, wanted)
    may_hide_it = how == "contains" and _PLACEHOLDER in seen and not fits
    is_open = how != "exact" and seen != wanted and (_PLACEHOLDER in wanted or may_hide_it)
    return None if is_open else fits


def _names(seen: Any, wanted: Identifier) -> bool | None:
    """Whether an identifier names what is called ``seen``; None if they differ in case alone.

    Of a very long name only a digest is known, which tells nothing.
    Whether names and codes are found in any case is open; ids are compared as they are.
    """
    if seen == wanted.value:
        return True
    if isinstance(seen, Digest):
        return None
    is_alike = isinstance(seen, str) and seen.casefold() == wanted.value.casefold()
    return None if is_alike and wanted.field != "id" else False


#: So many seconds a date and time is cut to, by how it is read.
_CUT = {"day": DAY, "from_day": DAY, "minute": 60, "from_minute": 60}


@lru_cache(maxsize=256)
def _asked(text: str, way: str) -> range:
    """Return the seconds that a created_date asks for."""
    asked = seconds(_start(parse_date(text)) if is_date(text) else parse_date_time(text))
    if way == "nearest_minute":
        begin = (asked + 30) // 60 * 60 - 30
        return range(begin, begin + 60)
    length = _CUT.get(way, 1)
    begin = asked - asked % length
    return range(begin, sys.maxsize if way.startswith("from") else begin + length)


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the API's dates have no zone


def day_ends(text: str) -> tuple[str, ...]:
    """Return the moments around the ends of the day of a date and time, as the API writes them."""
    found = moment(text)
    if found is None or not found.has_days_around:
        return ()
    start = _start(found.day)
    around = (-1, 0, 1, DAY - 1, DAY)
    return tuple((start + timedelta(seconds=each)).isoformat() for each in around)


@dataclass(slots=True)
class Fits:
    """In which zones some webhook requests fit filters, by the ways in which these may be read.

    There are many interpretations; most differ in nothing that matters to one filter.
    """

    filters: Filters
    records: Sequence[Record]
    #: Returns what stands for each object that a name may mean: which of several does, is open.
    named_objects: Callable[[str, Identifier], Collection[Any]] = lambda _name, _wanted: ()
    _by_filter: dict[tuple[Any, ...], list[Fit]] = field(default_factory=dict)
    _moments: list[Moment | None] | None = None

    def misfits(self, interpretation: Interpretation) -> list[Zones]:
        """Return in which zones each webhook request surely is not one that list has to find."""
        fails = {
            name: [fail for _, fail in self._of_filter(name, interpretation)]
            for name in self.filters
        }
        return self._any_group(fails, interpretation)

    def misfit(self, at: int, interpretation: Interpretation, zone: Zones) -> str:
        """Return a filter that a webhook request of ``misfits`` does not fit in a zone."""
        return next(
            group[0]
            for group in _groups(self.filters, interpretation)
            if all(self._of_filter(name, interpretation)[at][1] & zone for name in group)
        )

    def selected(self, interpretation: Interpretation, without: str = "") -> list[Zones]:
        """Return in which zones list has to find each webhook request, also without a filter."""
        doubts = {
            name: [ALL ^ fit for fit in self._sure(name, interpretation)]
            for name in self.filters
            if name != without
        }
        return [ALL ^ doubt for doubt in self._any_group(doubts, interpretation)]

    def tells_of(self, name: str, interpretation: Interpretation, zone: Zones) -> bool:
        """Whether a list without this filter would have other webhook requests in a zone."""
        others, own = self.selected(interpretation, name), self.selected(interpretation)
        return any((other ^ one) & zone for other, one in zip(others, own, strict=True))

    def _of_filter(self, name: str, interpretation: Interpretation) -> list[Fit]:
        key = matters(name, self.filters, interpretation)
        if key not in self._by_filter:
            wanted = self.filters[name]
            if name == "created_date":
                way = interpretation.day if is_date(wanted) else interpretation.moment
                asked = _asked(wanted, way)
                fits = [is_among(each, asked) if each else UNKNOWN for each in self._created()]
            else:
                fits = [_fit(record, name, wanted, interpretation) for record in self.records]
            self._by_filter[key] = fits
        return self._by_filter[key]

    def _created(self) -> list[Moment | None]:
        """Return when each webhook request was created, as far as it is known."""
        if self._moments is None:
            logs = (record.get("log_information") for record in self.records)
            self._moments = [
                moment(log.get("created_date")) if isinstance(log, dict) else None for log in logs
            ]
        return self._moments

    def _sure(self, name: str, interpretation: Interpretation) -> list[Zones]:
        """Return in which zones each webhook request surely fits a filter."""
        fits = [fit for fit, _ in self._of_filter(name, interpretation)]
        wanted = self.filters[name]
        is_name = isinstance(wanted, Identifier) and wanted.field != "id"
        if is_name and len(self.named_objects(name, wanted)) > 1:
            return [0] * len(fits)  # which of several is meant is open
        return fits

    def _any_group(
        self, zones: Mapping[str, Sequence[Zones]], interpretation: Interpretation
    ) -> list[Zones]:
        """Return for each webhook request the zones that all filters of some group have."""
        found = [0] * len(self.records)
        for group in _groups(zones, interpretation):
            for at, marks in enumerate(zip(*(zones[name] for name in group), strict=True)):
                found[at] |= reduce(and_, marks)
        return found


def _groups(names: Iterable[str], interpretation: Interpretation) -> list[tuple[str, ...]]:
    """Return the filters in groups: a webhook request has to fit one of each group."""
    is_any = interpretation.combine == "any"
    either = tuple(name for name in names if is_any and name in SEMI_OPTIONAL)
    return [*((name,) for name in names if name not in either), *([either] if either else [])]


def matters(name: str, filters: Filters, interpretation: Interpretation) -> tuple[Any, ...]:
    """Return a filter's name with the values of what matters to it of an interpretation."""
    matter = dimensions({name: filters[name]})
    return (name, *(getattr(interpretation, each) for each in matter))
