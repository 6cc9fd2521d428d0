"""In which zones a server may compare dates: what a few dates decide, and what they leave open."""

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from crmcom_kit.contract_tests.belief.moments import DAY, Moment, moment, seconds
from crmcom_kit.contract_tests.belief.zones import ALL, fewest, is_among

HOUR = timedelta(hours=1)


def of_day(shown: datetime, day: datetime) -> tuple[int, int]:
    """Return in which zones a moment is of a day, and in which it is not."""
    begin = seconds(datetime(day.year, day.month, day.day))  # noqa: DTZ001
    return is_among(Moment(shown.date(), seconds(shown), None), range(begin, begin + DAY))


def on_clock(utc: datetime, zone: str) -> datetime:
    """Return what the wall clock of a zone shows."""
    return utc.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def test_some_zone_explains_each_server() -> None:
    """A year of moments that are shown on one wall clock, and compared on another."""
    for shown, compared in (
        ("UTC", "UTC"), ("UTC", "Etc/GMT-5"), ("Etc/GMT-5", "UTC"), ("UTC", "Europe/Athens"),
        ("Europe/Athens", "UTC"), ("Europe/Athens", "Europe/Athens"), ("UTC", "Asia/Kolkata"),
        ("Asia/Kolkata", "UTC"), ("America/New_York", "UTC"), ("UTC", "Australia/Lord_Howe"),
        ("Europe/Berlin", "Europe/Athens"), ("America/Sao_Paulo", "America/Sao_Paulo"),
    ):  # fmt: skip
        random, left = Random(0), ALL
        for _ in range(1000):
            utc = datetime(2016, 1, 1) + timedelta(seconds=random.randrange(366 * DAY))  # noqa: DTZ001
            at, day = on_clock(utc, shown), on_clock(utc, compared)
            left &= ~of_day(at, day)[1]
            left &= ~of_day(at, day + 24 * HOUR)[0] & ~of_day(at, day - 24 * HOUR)[0]
        assert left, (shown, compared)


def test_no_zone_explains_what_no_clock_does() -> None:
    """A day that ends two hours late, and one that lacks its first second."""
    noon, late = datetime(2016, 7, 1, 12), datetime(2016, 7, 2, 1)  # noqa: DTZ001
    begin = datetime(2016, 7, 1)  # noqa: DTZ001
    both = of_day(begin, noon)[0] & of_day(late, noon)[0]
    assert both & of_day(begin - timedelta(seconds=1), noon)[1] == 0
    lacks_first = of_day(begin, noon)[1] & of_day(begin + timedelta(seconds=1), noon)[0]
    assert lacks_first & ~of_day(begin + 24 * HOUR - timedelta(seconds=1), noon)[1] == 0


def test_either_offset_counts_while_clocks_change() -> None:
    """Where dates are on the wall clock of Athens an hour comes twice."""
    before, after = datetime(2016, 10, 30, 3, 10), datetime(2016, 10, 30, 3, 30)  # noqa: DTZ001
    from_then = range(seconds(after), 1 << 62)
    fits, fails = is_among(Moment(before.date(), seconds(before), None), from_then)
    assert fails & 1  # where they do not change
    assert ALL & ~fails & ~fits


def test_a_moment_with_a_zone_is_compared_in_local_time_or_in_utc() -> None:
    """It decides only if both agree."""
    written = moment("2016-07-01T01:00:00+02:00")
    assert written is not None
    day = seconds(datetime(2016, 7, 1))  # noqa: DTZ001
    fits, fails = is_among(written, range(day, day + DAY))
    assert not (fits | fails) & 1


def test_the_calendar_may_end() -> None:
    for text in ("0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00"):
        written = moment(text)
        assert written is not None
        assert is_among(written, range(1))[0] | is_among(written, range(1))[1]


def test_the_zone_with_the_minimum_of_marks_is_found() -> None:
    """As if each zone was counted alone; the plainest of those with the fewest."""
    random = Random(0)
    marks = [random.getrandbits(ALL.bit_length()) & random.getrandbits(200) for _ in range(50)]
    for _ in range(20):
        among = random.getrandbits(ALL.bit_length()) | 1
        bits = [1 << at for at in range(ALL.bit_length()) if among >> at & 1]
        counts = {bit: sum(bool(mark & bit) for mark in marks) for bit in bits}
        best = min(bits, key=lambda bit: counts[bit])
        assert fewest(marks, among) == (counts[best], best)
    assert fewest([], ALL) == (0, 1)
