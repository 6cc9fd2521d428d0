"""The ways in which list's filters may be read, since the documents leave it open.

A server reads them in one way, and its lists rule out the others. A server is wrong only if no
single way explains all its lists.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache, lru_cache, reduce
from itertools import chain, product
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
    union,
)
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.schemas.formats import parse_date, parse_date_time

#: The parameters of list of which at least one must be specified.
SEMI_OPTIONAL = (
    "webhook_definition_identifier", "workflow_rule_identifier", "entity", "entity_id",
)  # fmt: skip
#: The member that each of these identifiers is about.
OBJECT_OF = {
    "webhook_definition_identifier": "webhook_definition",
    "workflow_rule_identifier": "workflow_rule",
}
#: What stands for a secret in a recorded URL. It equals itself; nothing else is known of it.
_PLACEHOLDER = "$CRMCOM_URL_"
_URL: dict[str, Callable[[str, str], bool]] = {
    "exact": lambda url, criterion: url == criterion,
    "prefix": lambda url, criterion: url.startswith(criterion),
    "contains": lambda url, criterion: criterion in url,
}
_DAY = ("day", "instant", "from")
_MOMENT = (*_DAY, "minute", "from_day", "from_minute", "nearest_minute")

Record = Mapping[str, Any]
Filters = Mapping[str, Any]


class Identifier(NamedTuple):
    """An identifier with one field, such as ``number=7``."""

    field: str
    value: str


class Interpretation(NamedTuple):
    """One way to read the filters. The values are those of the dials ``list.*``.

    In which zone dates are compared is open, too: each interpretation is tried in all zones.
    """

    combine: str
    url: str
    day: str  # how created_date selects if it is a date
    moment: str  # how it selects if it is a date and time, which may be cut or rounded


#: All of them, plain ones first.
INTERPRETATIONS = tuple(map(Interpretation._make, product(("all", "any"), _URL, _DAY, _MOMENT)))


def is_date(text: str) -> bool:
    """Return whether a created_date is a date without a time."""
    return "T" not in text


def is_api_date(text: str) -> bool:
    """Return whether ``text`` is a date, or a date and time, in the form that the API documents."""
    try:
        (parse_date if is_date(text) else parse_date_time)(text)
    except ValueError:
        return False
    return True


def dimensions(filters: Filters) -> tuple[str, ...]:
    """Return the members of an interpretation in which readings of these filters can differ."""
    names = ["combine"] if sum(name in filters for name in SEMI_OPTIONAL) > 1 else []
    if "url" in filters:
        names.append("url")
    if "created_date" in filters:
        names.append("day" if is_date(filters["created_date"]) else "moment")
    return tuple(names)


def read_alike(filters: Filters) -> Mapping[Interpretation, Sequence[Interpretation]]:
    """Return groups of interpretations that read these filters alike, by the plainest of each."""
    return _read_alike(dimensions(filters))


@cache
def _read_alike(names: tuple[str, ...]) -> Mapping[Interpretation, Sequence[Interpretation]]:
    groups: dict[tuple[Any, ...], list[Interpretation]] = {}
    for interpretation in INTERPRETATIONS:
        key = tuple(getattr(interpretation, name) for name in names)
        groups.setdefault(key, []).append(interpretation)
    return {group[0]: group for group in groups.values()}


def _fit(record: Record, name: str, criterion: Any, interpretation: Interpretation) -> Fit:
    """Return whether a webhook request fits a filter that is no date: zones do not matter."""
    if isinstance(criterion, Identifier):
        member = record.get(OBJECT_OF[name], "")
        if member is None:
            return NO
        value = member.get(criterion.field) if isinstance(member, dict) else None
        fits = None if value is None else _names(value, criterion)
    else:
        value = record.get(name)
        if not isinstance(value, str):
            return UNKNOWN
        is_url = name == "url"
        fits = _fits_url(value, criterion, interpretation.url) if is_url else value == criterion
    if fits is None:
        return UNKNOWN
    return YES if fits else NO


def _fits_url(url: str, criterion: str, mode: str) -> bool | None:
    """Return whether a URL fits a filter; None if a hidden secret decides."""
    fits = _URL[mode](url, criterion)
    may_hide_it = mode == "contains" and _PLACEHOLDER in url and not fits
    is_open = mode != "exact" and url != criterion and (_PLACEHOLDER in criterion or may_hide_it)
    return None if is_open else fits


def _names(name: Any, identifier: Identifier) -> bool | None:
    """Return whether an identifier names what is called ``name``; None if that is open.

    Names and codes may be found in any case; ids are compared as they are. Of a very long name only
    a digest is known, which decides nothing.
    """
    if name == identifier.value:
        return True
    if isinstance(name, Digest):
        return None
    is_alike = isinstance(name, str) and name.casefold() == identifier.value.casefold()
    return None if is_alike and identifier.field != "id" else False


#: The unit in seconds that a date and time is cut to, by how it is read.
_CUT = {"day": DAY, "from_day": DAY, "minute": 60, "from_minute": 60}


@lru_cache(maxsize=256)
def _seconds_of(text: str, way: str) -> range:
    """Return the seconds that a created_date asks for."""
    instant = seconds(_start(parse_date(text)) if is_date(text) else parse_date_time(text))
    if way == "nearest_minute":
        begin = (instant + 30) // 60 * 60 - 30
        return range(begin, begin + 60)
    length = _CUT.get(way, 1)
    begin = instant - instant % length
    return range(begin, sys.maxsize if way.startswith("from") else begin + length)


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the API's dates have no zone


def day_ends(text: str) -> tuple[str, ...]:
    """Return the moments around the ends of the day of a date and time, as the API writes them."""
    day = moment(text)
    if day is None or not day.has_days_around:
        return ()
    start = _start(day.day)
    distances = (-1, 0, 1, DAY - 1, DAY)
    return tuple((start + timedelta(seconds=distance)).isoformat() for distance in distances)


@dataclass(slots=True)
class Fits:
    """In which zones webhook requests fit filters, by interpretation.

    Most interpretations read one filter alike, so what each filter selects is kept.
    """

    filters: Filters
    records: Sequence[Record]
    #: Returns the hashed ids of the objects that an identifier may name: which it names, is open.
    named_objects: Callable[[str, Identifier], Collection[Any]] = lambda _filter, _identifier: ()
    _by_filter: dict[tuple[Any, ...], list[Fit]] = field(default_factory=dict)
    _moments: list[Moment | None] | None = None

    def misfits(self, interpretation: Interpretation) -> list[Zones]:
        """Return in which zones list certainly must not find each webhook request."""
        fails = {
            name: [fail for _, fail in self._of_filter(name, interpretation)]
            for name in self.filters
        }
        return self._any_group(fails, interpretation)

    def misfit(self, place: int, interpretation: Interpretation, zone: Zones) -> str:
        """Return a filter that the webhook request at a place does not fit in a zone."""
        return next(
            group[0]
            for group in _groups(self.filters, interpretation)
            if all(self._of_filter(name, interpretation)[place][1] & zone for name in group)
        )

    def selected(self, interpretation: Interpretation, without: str = "") -> list[Zones]:
        """Return in which zones list must find each webhook request, ``without`` one filter."""
        doubts = {
            name: [ALL ^ fit for fit in self._certain(name, interpretation)]
            for name in self.filters
            if name != without
        }
        return [ALL ^ doubt for doubt in self._any_group(doubts, interpretation)]

    def tells_of(self, name: str, interpretation: Interpretation, zone: Zones) -> bool:
        """Return whether a list without this filter has other webhook requests in a zone."""
        pairs = zip(self.selected(interpretation, name), self.selected(interpretation), strict=True)
        return any((zones_without ^ zones_with) & zone for zones_without, zones_with in pairs)

    def _of_filter(self, name: str, interpretation: Interpretation) -> list[Fit]:
        key = matters(name, self.filters, interpretation)
        if key not in self._by_filter:
            criterion = self.filters[name]
            if name == "created_date":
                way = interpretation.day if is_date(criterion) else interpretation.moment
                span = _seconds_of(criterion, way)
                moments = self._created()
                fits = [
                    is_among(created_at, span) if created_at else UNKNOWN for created_at in moments
                ]
            else:
                fits = [_fit(record, name, criterion, interpretation) for record in self.records]
            self._by_filter[key] = fits
        return self._by_filter[key]

    def _created(self) -> list[Moment | None]:
        """Return when each webhook request was created; None if it does not say."""
        if self._moments is None:
            logs = (record.get("log_information") for record in self.records)
            self._moments = [
                moment(log.get("created_date")) if isinstance(log, dict) else None for log in logs
            ]
        return self._moments

    def _certain(self, name: str, interpretation: Interpretation) -> list[Zones]:
        """Return in which zones each webhook request certainly fits a filter."""
        fits = [fit for fit, _ in self._of_filter(name, interpretation)]
        criterion = self.filters[name]
        is_name = isinstance(criterion, Identifier) and criterion.field != "id"
        if is_name and len(self.named_objects(name, criterion)) > 1:
            return [0] * len(fits)  # which of several is meant is open
        return fits

    def _any_group(
        self, zones: Mapping[str, Sequence[Zones]], interpretation: Interpretation
    ) -> list[Zones]:
        """Return the zones of each webhook request that every filter of some group has."""
        unions = [0] * len(self.records)
        for group in _groups(zones, interpretation):
            for place, marks in enumerate(zip(*(zones[name] for name in group), strict=True)):
                unions[place] |= reduce(and_, marks)
        return unions


def _groups(names: Iterable[str], interpretation: Interpretation) -> list[tuple[str, ...]]:
    """Return the filters in groups: a webhook request must fit at least one filter of each."""
    is_any = interpretation.combine == "any"
    group = tuple(name for name in names if is_any and name in SEMI_OPTIONAL)
    return [*((name,) for name in names if name not in group), *([group] if group else [])]


def matters(name: str, filters: Filters, interpretation: Interpretation) -> tuple[Any, ...]:
    """Return what two interpretations have in common if they read a filter alike."""
    names = dimensions({name: filters[name]})
    return (name, *(getattr(interpretation, dimension) for dimension in names))


# The interpretations that are left.


class Exclusion(NamedTuple):
    """A list that rules out a way to read its filters, in some zones."""

    exchange: Exchange  # the list
    zones: Zones
    #: Id of the webhook request that it lacks or has; if that has changed, nothing is ruled out.
    rests_on: str | None


class Exclusions(dict[Interpretation, list[Exclusion]]):
    """The lists that ruled out an interpretation, by interpretation."""

    def zones_left(self, interpretation: Interpretation) -> Zones:
        """Return the zones in which an interpretation is not ruled out."""
        return ALL & ~union(exclusion.zones for exclusion in self.get(interpretation, ()))

    def add(self, interpretations: Iterable[Interpretation], exclusion: Exclusion) -> None:
        """Note that some interpretations cannot explain a list, in some zones."""
        for interpretation in interpretations:
            zones = exclusion.zones & self.zones_left(interpretation)
            if zones:
                self.setdefault(interpretation, []).append(exclusion._replace(zones=zones))

    def rest_on(self, exchange: Exchange) -> list[str]:
        """Return the ids of webhook requests because of which a list rules something out."""
        keys = dict.fromkeys(
            exclusion.rests_on
            for exclusion in chain.from_iterable(self.values())
            if exclusion.exchange.number == exchange.number
        )
        return [key for key in keys if key is not None]

    def take_back(self, is_void: Callable[[Exclusion], bool]) -> None:
        """Remove the exclusions that are void."""
        for exclusions in self.values():
            exclusions[:] = [exclusion for exclusion in exclusions if not is_void(exclusion)]


@dataclass(slots=True)
class SeenLists:
    """The dials of lists that are not settled, and the lists that may settle them."""

    exclusions: Exclusions = field(default_factory=Exclusions)
    #: The last exchange that listed all that some filters select, by these filters.
    full_lists: dict[frozenset[tuple[str, Any]], Exchange] = field(default_factory=dict)
    #: The length of the longest list so far, by whether it had number_of_results and by its
    #: filters: a server may cut lists at a maximum, which may depend on both.
    max_lengths: dict[tuple[bool, frozenset[str]], int] = field(default_factory=dict)
    serves_empty: bool = False  # whether it is known that a list may find nothing
