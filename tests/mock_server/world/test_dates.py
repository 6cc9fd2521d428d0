"""When webhook requests are created that are added, or seeded, by HTTP and in Python."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from helpers.tables import raises_for

from crmcom_kit.mock_server import Mock, crmcom_mock
from crmcom_kit.mock_server.world.world_file import DataError

NOW = "2026-11-30T12:00:00"


@pytest.fixture(name="mock")
def _mock() -> Any:
    with crmcom_mock() as mock:
        mock.clock.freeze(f"{NOW}Z")
        yield mock


def post(mock: Mock, path: str, body: Any) -> Any:
    with mock.client() as client:
        return client.post(f"{mock.admin_url}{path}", json=body).json()


def created(record: Any) -> str:
    """Return when a record was created; it was not changed before, nor in the future."""
    log = record["log_information"]
    assert log["created_date"] <= log["updated_date"] <= max(NOW, log["created_date"])
    return str(log["created_date"])


def test_a_record_is_as_old_as_was_asked_for(mock: Mock) -> None:
    for members, expected in (
        ({"age": "100 days"}, "2026-08-22T12:00:00"),
        ({"age": timedelta(hours=36)}, "2026-11-29T00:00:00"),
        ({"age": "now"}, NOW),
        ({"created_date": "2026-11-01"}, "2026-11-01T00:00:00"),
        ({"created_date": date(1999, 2, 3)}, "1999-02-03T00:00:00"),
        ({"created_date": "2031-02-03T04:05:06+01:00"}, "2031-02-03T03:05:06"),
    ):
        asked: Any = members
        assert created(mock.add(entity="JOBS", **asked)) == expected


def test_ages_go_over_http_too(mock: Mock) -> None:
    """Beside the members of a webhook request, or alone."""
    added = post(
        mock, "/records", [{"age": "1 day"}, {"number": "900", "created_date": "2020-01-02"}]
    )
    dates = [created(entry["record"]) for entry in added["filled_in"]]
    assert dates == ["2026-11-29T12:00:00", "2020-01-02T00:00:00"]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"age": "2026-11-01"}, 'age: seen "2026-11-01"; allowed is an age such as "100 days"'),
    ({"age": timedelta(-1)}, 'age: seen "-86400.000000 seconds"; allowed is an age'),
    ({"created_date": "yesterday"}, 'created_date: seen "yesterday"; allowed is a date'),
    ({"created_date": 5}, "created_date: seen 5; allowed is a date"),
    ({"age": "1 day", "created_date": "2026-11-01"}, "with .*; allowed is one of them"),
    ({"age": "1 day", "log_information": {"created_date": NOW}}, "allowed is one of them"),
    ({"created_dat": "2026-11-01"}, r"nearest: created_date"),
    ({"log_information": "x"}, "log_information: 'x' is not allowed"),
    ({"age": "1 day", "log_information": None}, "log_information: None is not allowed"),
]


def test_another_date_is_refused(mock: Mock) -> None:
    """Nothing is added, and the number stays free."""
    count = len(mock.records)
    for members, text in REFUSED:
        with raises_for(members, DataError, match=text):
            mock.add(**members)
    assert len(mock.records) == count
    assert mock.add()["number"] == "201"


def test_without_a_date_a_record_comes_after_all_others(mock: Mock) -> None:
    """After the sample data in 2016; after what a test has added; now in an empty world."""
    newest = max(map(created, mock.records))
    assert newest < created(mock.add()) < "2016-03"
    mock.add(age="2 hours")
    dates = [created(mock.add()) for _ in range(3)]
    assert dates == ["2026-11-30T11:00:00", NOW, NOW]

    number = mock.add()["number"]
    mock.change(
        number,
        log_information={
            "created_date": "2030-01-01T00:00:00",
            "updated_date": "2030-01-01T00:00:00",
        },
    )
    assert created(mock.add()) == "2030-01-01T00:00:00"

    mock.seed([])
    assert created(mock.add()) == created(mock.add()) == NOW
    mock.seed([])
    mock.add(created_date="2031-01-01")
    assert created(mock.add()) == "2031-01-01T00:00:00"


def test_seed_data_lies_between_two_moments(mock: Mock) -> None:
    """The same by HTTP and in Python; an age alone ends now."""
    mock.seed(count=60, since="100 days", until="now")
    records = list(mock.records)
    dates = sorted(map(created, records))
    assert "2026-08-22T12:00:00" <= dates[0] < "2026-09"
    assert "2026-11" < dates[-1] <= NOW
    assert {record["log_information"]["updated_date"] <= NOW for record in records} == {True}

    mock.seed(count=60, since=timedelta(days=100))
    assert list(mock.records) == records
    post(mock, "/seed", {"count": 60, "since": "100 days"})
    assert list(mock.records) == records
    mock.seed(count=60, since=datetime(2026, 11, 1), until=date(2026, 11, 2))  # noqa: DTZ001
    days = {created(record)[:10] for record in mock.records}
    assert days == {"2026-11-01", "2026-11-02"}


def test_a_wrong_period_changes_nothing(mock: Mock) -> None:
    before = list(mock.records)
    for options in ({"since": "soon"}, {"until": 5}, {"since": "now", "until": "1 day"}):
        name = list(options)[-1]
        with pytest.raises(ValueError, match=f"^{name}: "):
            mock.seed(**options)
    assert post(mock, "/seed", {"since": "soon"})["parameter"] == "since"
    assert list(mock.records) == before
