"""Clocks: the one place that asks for the time, and the one that stands still."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from crmcom_kit.mock_server.clock import FixedClock, SystemClock

NOON = datetime(2015, 11, 1, 12, tzinfo=UTC)


def test_the_system_clock_tells_utc_and_moves_on() -> None:
    """The machine's time comes with its zone and never stands in the past of an earlier look."""
    first, second = SystemClock().now(), SystemClock().now()

    assert first.utcoffset() == timedelta(0)
    assert timedelta(0) <= second - first < timedelta(minutes=1)


def test_a_fixed_clock_moves_only_when_told() -> None:
    """Time stands still until it is moved, and then by exactly that much."""
    clock = FixedClock(NOON)
    assert clock.now() == clock.now() == NOON

    clock.advance(90.5)
    assert clock.now() == NOON + timedelta(seconds=90.5)
    clock.advance(-90.5)
    assert clock.now() == NOON


def test_a_fixed_clock_tells_utc_whatever_zone_it_was_given() -> None:
    """A moment in another zone is shown in UTC."""
    athens = timezone(timedelta(hours=2))
    now = FixedClock(datetime(2015, 11, 1, 14, tzinfo=athens)).now()

    assert now == NOON
    assert now.utcoffset() == timedelta(0)


def test_a_moment_without_zone_is_refused() -> None:
    """A clock does not guess a zone."""
    naive = NOON.replace(tzinfo=None)

    with pytest.raises(
        ValueError, match="has no time zone; allowed is a date and time with a zone"
    ):
        FixedClock(naive)
