"""The zones in which a server may compare dates, as the bits of a number.

No page says in which zone created_date is, nor whether dates in responses are in the same zone.
A zone is a difference between the dates that are compared and the dates that are shown. Many
zones differ by an hour more in summer. With bits, one step compares in all zones.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import cache, lru_cache, reduce
from operator import or_
from typing import NamedTuple
from zoneinfo import ZoneInfo

from crmcom_kit.contract_tests.belief.moments import DAY, Moment

Zones = int  # a bit for each zone
#: The zones in which something is certainly so, and those in which it certainly is not.
Fit = tuple[Zones, Zones]

#: Whole hours, the plainest first, and a place for each rule of summer time since 2010, except most
#: places that changed their rule.
_HOURS = tuple(sorted(range(-12, 15), key=abs))
_PLACES = (
    "Atlantic/Azores", "Europe/London", "Europe/Berlin", "Europe/Athens", "Europe/Chisinau",
    "Europe/Istanbul", "Europe/Moscow", "Africa/Cairo", "Africa/Casablanca", "Africa/Windhoek",
    "Asia/Amman", "Asia/Beirut", "Asia/Damascus", "Asia/Gaza", "Asia/Jerusalem", "Asia/Baku",
    "Asia/Tehran", "Asia/Kabul", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Yangon", "Asia/Pyongyang",
    "Australia/Eucla", "Australia/Darwin", "Australia/Adelaide", "Australia/Sydney",
    "Australia/Lord_Howe", "Pacific/Norfolk", "Pacific/Auckland", "Pacific/Chatham",
    "Pacific/Fiji", "Pacific/Apia", "Pacific/Tongatapu", "Pacific/Marquesas", "Pacific/Easter",
    "America/Adak", "America/Anchorage", "America/Los_Angeles", "America/Denver",
    "America/Chicago", "America/New_York", "America/Halifax", "America/St_Johns",
    "America/Miquelon", "America/Nuuk", "America/Havana", "America/Mazatlan",
    "America/Mexico_City", "America/Caracas", "America/Asuncion", "America/Santiago",
    "America/Cuiaba", "America/Sao_Paulo", "America/Montevideo", "America/Vancouver", "Asia/Almaty",
)  # fmt: skip
#: Each place stands for three zones: a server compares dates on its wall clock and shows them in
#: UTC; the other way round; or both on its wall clock, where an hour comes twice in one night.
ALL: Zones = (1 << (len(_HOURS) + 3 * len(_PLACES))) - 1

YES, NO, UNKNOWN = (ALL, 0), (0, ALL), (0, 0)


def is_among(moment: Moment, span: range) -> Fit:
    """Return in which zones a moment that a response shows is among some seconds."""
    fits, fails = _is_among(moment.local, span)
    if moment.zone:  # a server may compare what it shows, or the moment in UTC
        in_utc = _is_among(moment.utc, span)
        fits, fails = fits & in_utc[0], fails & in_utc[1]
    return fits, fails


def fewest(marks: Iterable[Zones], zones: Zones) -> tuple[int, Zones]:
    """Return the least number of marks that have a zone, and the plainest such zone."""
    digits: list[Zones] = []  # of the count of each zone, in binary
    for mark in marks:
        carry = mark & zones
        for power, digit in enumerate(digits):
            digits[power], carry = digit ^ carry, digit & carry
        if carry:
            digits.append(carry)
    count = 0
    for power, digit in reversed([*enumerate(digits)]):
        count += 0 if zones & ~digit else 1 << power
        zones = zones & ~digit or zones
    return count, plainest(zones)


def union(parts: Iterable[Zones]) -> Zones:
    """Return the zones that are in any of several parts."""
    return reduce(or_, parts, 0)


def plainest(zones: Zones) -> Zones:
    """Return the plainest of some zones."""
    return zones & -zones


def _is_among(second: int, span: range) -> Fit:
    shifts = _of_day(second // DAY)
    begin, end = span.start - second, span.stop - second
    fits = ALL & ~shifts.least.below(begin) & shifts.most.below(end)
    fails = ALL & ~shifts.least.below(end) | shifts.most.below(begin)
    return fits, fails


class _Ordered(NamedTuple):
    """A number of seconds for each zone, in order."""

    seconds: Sequence[int]  # each number once, from the lowest
    smaller: Sequence[Zones]  # the zones below each of these numbers, and at the end all

    def below(self, limit: int) -> Zones:
        """Return the zones whose number is below a limit."""
        return self.smaller[bisect_left(self.seconds, limit)]


class _Shifts(NamedTuple):
    """By how much compared dates are later than shown ones, at least and at most."""

    least: _Ordered
    most: _Ordered


def _ordered(numbers: Iterable[int]) -> _Ordered:
    zones = defaultdict[int, Zones](int)
    for zone, number in enumerate(numbers):
        zones[number] |= 1 << zone
    seconds, smaller = sorted(zones), [0]
    for number in seconds:
        smaller.append(smaller[-1] | zones[number])
    return _Ordered(seconds, smaller)


@lru_cache(maxsize=10_000)
def _of_day(day: int) -> _Shifts:
    """Return the shifts of dates on a day, counted from the first day of the year 1."""
    offsets = [_east(day + distance) for distance in (-1, 0, 1, 2)]
    return _shifts(tuple(map(min, *offsets)), tuple(map(max, *offsets)))


@lru_cache(maxsize=256)
def _shifts(least: tuple[int, ...], most: tuple[int, ...]) -> _Shifts:
    """Return the shifts, given each place's least and most seconds east of UTC around a day."""
    hours = [3600 * hour for hour in _HOURS]
    widths = [high - low for low, high in zip(least, most, strict=True)]
    return _Shifts(
        _ordered([*hours, *least, *(-shift for shift in most), *(-shift for shift in widths)]),
        _ordered([*hours, *most, *(-shift for shift in least), *widths]),
    )


@lru_cache(maxsize=16)
def _east(day: int) -> tuple[int, ...]:
    """Return how far east of UTC each place is at the beginning of a day, in seconds."""
    midnight = datetime.fromordinal(min(max(day + 1, date.min.toordinal()), date.max.toordinal()))
    offsets = (place.utcoffset(midnight) for place in _places())
    return tuple(int(offset.total_seconds()) for offset in offsets if offset is not None)


@cache
def _places() -> tuple[ZoneInfo, ...]:
    return tuple(map(ZoneInfo, _PLACES))
