"""Clocks: the one place that asks for the time, and the one that stands still."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from crmcom_kit.mock_server.clock import FixedClock

NOON = datetime(2015, 11, 1, 12, tzinfo=UTC)


def test_a_fixed_clock_moves_only_when_told() -> None:
    """It stands still until it is moved; in UTC, whatever zone it was given, but with a zone."""
    clock = FixedClock(datetime(2015, 11, 1, 14, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == clock.now() == NOON
    assert clock.now().utcoffset() == timedelta(0)

    clock.advance(90.5)
    assert clock.now() == NOON + timedelta(seconds=90.5)
    with pytest.raises(ValueError, match="has no time zone"):
        FixedClock(NOON.replace(tzinfo=None))
