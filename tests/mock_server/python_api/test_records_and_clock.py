"""Records and clock of a mock in Python: what a test sees and sets."""

from datetime import UTC, datetime, timedelta

import pytest

from crmcom_kit.mock_server import Mock


def test_records_are_found_by_number_and_by_id(mock: Mock) -> None:
    record = mock.records["7"]

    assert record["number"] == "7"
    assert mock.records[7] == mock.records[record["id"]] == mock.records.get("7") == record
    assert "7" in mock.records
    assert record["id"] in mock.records
    assert "none" not in mock.records
    assert mock.records.get("none") is None
    with pytest.raises(KeyError, match='"none"; allowed is the number or the id') as caught:
        mock.records["none"]
    assert len(caught.traceback.filter(caught)) == 1  # the line above


def test_records_are_filtered_by_members(mock: Mock) -> None:
    rejected = mock.records.filter(life_cycle_state="REJECTED")
    of_jobs = mock.records.filter(life_cycle_state="REJECTED", entity="ACTIVITIES")

    assert 0 < len(of_jobs) < len(rejected) < len(mock.records)
    assert {record["life_cycle_state"] for record in rejected} == {"REJECTED"}
    assert mock.records.filter(number=7) == mock.records.filter(number="7") == [mock.records[7]]
    named = mock.records.filter(webhook_definition="ACT CREATE")
    assert {record["webhook_definition"]["alternative_code"] for record in named} == {"ACT CREATE"}


def test_a_frozen_clock_stands_at_the_given_moment(mock: Mock) -> None:
    """A moment is a datetime or a text, without a zone as the server writes dates; or an age."""
    moment = datetime(2024, 1, 31, 12, tzinfo=UTC)
    texts = "2024-01-31T12:00:00Z", "2024-01-31T14:00:00+02:00", "2024-01-31T12:00"
    for at in (moment, moment.replace(tzinfo=None), *texts, "now", timedelta(0)):
        mock.clock.freeze(at)
        assert mock.clock.now() == moment
        assert mock.clock.state.mode == "frozen"
    assert repr(mock.clock) == "<clock, frozen, 2024-01-31T12:00:00+00:00>"
    mock.clock.freeze("12 hours")
    assert mock.clock.now() == datetime(2024, 1, 31, tzinfo=UTC)


def test_the_clock_moves_by_seconds_or_by_what_a_timedelta_takes(mock: Mock) -> None:
    mock.clock.freeze("2024-01-31T12:00:00Z")

    mock.clock.advance(30)
    mock.clock.advance(timedelta(minutes=1))
    mock.clock.advance(30, hours=1, days=1)

    assert mock.clock.now() == datetime(2024, 2, 1, 13, 2, tzinfo=UTC)


def test_the_clock_runs_from_a_moment_and_is_itself_again(mock: Mock) -> None:
    """It starts at the given time; a restarted one shows the machine's time."""
    mock.clock.freeze()
    mock.clock.run(at="2024-01-31T12:00:00Z")
    assert mock.clock.state.mode == "real"
    assert datetime(2024, 1, 31, 12, tzinfo=UTC) <= mock.clock.now()
    assert mock.clock.now().year == 2024

    mock.clock.restart()

    assert str(mock.clock.state.mode) == "real"
    assert mock.clock.now().year > 2024
