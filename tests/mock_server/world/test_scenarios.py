"""What a client of the API sees of each scenario."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from crmcom_kit.mock_server import Mock, crmcom_mock
from crmcom_kit.usage_errors import UsageError

NOW = datetime.fromisoformat("2026-11-30T12:00:00")


class Client:
    """A client of the API, which knows nothing else of the mock."""

    def __init__(self, mock: Mock) -> None:
        """Call ``mock``."""
        self._mock, self._http = mock, mock.client()

    def listed(self, **query: Any) -> Any:
        query = {"token": self._mock.token, **query}
        return self._http.get("webhook_requests/list", params=query).json()["data"]

    def every(self, **query: Any) -> list[Any]:
        entities = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")
        return [record for entity in entities for record in self.listed(entity=entity, **query)]

    def change(self, operation: str, number: str) -> Any:
        body = {"token": self._mock.token, "webhook_request_identifier": {"number": number}}
        return self._http.post(f"webhook_requests/{operation}", json=body).json()["data"]

    def resend_rejected(self) -> set[str]:
        """Resend each rejected webhook request once; return the numbers that stay rejected."""
        rejected = [record["number"] for record in self.every(life_cycle_state="REJECTED")]
        after = [self.change("resend", number) for number in rejected]
        return {resent["number"] for resent in after if resent["life_cycle_state"] == "REJECTED"}


@pytest.fixture(name="mock")
def _mock() -> Iterator[Mock]:
    with crmcom_mock(release="R13") as mock:
        mock.clock.freeze(f"{NOW.isoformat()}Z")
        yield mock


def seed(mock: Mock, scenario: str, **options: Any) -> Client:
    mock.seed(scenario=scenario, **options)
    return Client(mock)


def test_in_an_outage_every_resend_fails_until_it_is_lifted(mock: Mock) -> None:
    """All are rejected, for want of a receiver, in the time asked for; another script lifts it."""
    client = seed(mock, "receiver_outage", count=10, since="10 days", until="now")
    records = client.every()
    assert len(records) == 10
    first = (NOW - timedelta(days=10)).isoformat()
    assert all(
        first <= record["log_information"]["created_date"] <= NOW.isoformat() for record in records
    )
    assert {record["error_code"] for record in records} <= {
        *("ConnectException", "ConnectTimeoutException", "SocketTimeoutException")
    }
    for _ in range(2):
        assert client.resend_rejected() == {record["number"] for record in records}
    assert {record["error_code"] for record in client.every()} == {"ConnectTimeoutException"}

    mock.deliveries.script("success")
    assert client.resend_rejected() == set()
    assert {record["life_cycle_state"] for record in client.every()} == {"SUCCESSFUL"}


def test_another_scenario_ends_an_outage_and_so_does_a_reset(mock: Mock) -> None:
    """A scenario has its own delivery scripts; seed data without one keeps what is there."""
    for after in ({"scenario": "definition_turned_off", "count": 40}, {"count": 8}, None):
        mock.seed(scenario="receiver_outage", count=8)
        mock.reset() if after is None else mock.seed(**after)
        client = Client(mock)
        rejected = len(client.every(life_cycle_state="REJECTED"))
        kept = rejected if after == {"count": 8} else 0
        assert (len(client.resend_rejected()), rejected > 0) == (kept, True)


def test_one_webhook_request_is_poisoned(mock: Mock) -> None:
    """It fails at every resend; the other rejected ones succeed."""
    client = seed(mock, "poisoned_record", count=40)
    assert len(client.every(life_cycle_state="REJECTED")) > 5
    (poisoned,) = client.resend_rejected()
    for _ in range(3):
        assert client.resend_rejected() == {poisoned}
    (record,) = client.every(life_cycle_state="REJECTED")
    assert record["error_code"] == "UnknownHostException"
    assert record["url"] == "https://receiver.invalid/poisoned"


def test_one_definition_is_turned_off(mock: Mock) -> None:
    """It sends nothing new, and has rejected ones; those of all others are successful."""
    client = seed(mock, "definition_turned_off", count=300)
    by_definition: dict[str, Counter[str]] = {}
    for record in client.every():
        states = by_definition.setdefault(record["webhook_definition"]["id"], Counter())
        states[record["life_cycle_state"]] += 1
    (off,) = [
        definition_of for definition_of in by_definition if by_definition[definition_of]["REJECTED"]
    ]
    assert abs(by_definition[off]["REJECTED"] - by_definition[off]["SUCCESSFUL"]) <= 1

    (definition,) = [
        definition_of for definition_of in mock.definitions if definition_of["id"] == off
    ]
    assert not mock.fire(definition["entity"], off, {"number": "1"}).sent
    assert len(client.every()) == 300


def test_pages_end_between_records_of_one_second(mock: Mock) -> None:
    """States alternate, seven at a time share a second, and pages lose none."""
    client = seed(mock, "mixed_pages", count=70)
    pages = [
        client.listed(entity="ACTIVITIES", number_of_results=10, offset=at)
        for at in range(0, 70, 10)
    ]
    records = [record for page in pages for record in page]
    assert len({record["number"] for record in records}) == 70
    states = [record["life_cycle_state"] for record in records]
    assert set(pairwise(states)) == {("SUCCESSFUL", "REJECTED"), ("REJECTED", "SUCCESSFUL")}
    dates = Counter(record["log_information"]["created_date"] for record in records)
    assert set(dates.values()) == {7}


def test_what_is_older_than_ninety_days_is_deleted(mock: Mock) -> None:
    """Half is, by the world's clock; the newest are of today, and nothing is of the future."""
    client = seed(mock, "old_and_new", count=50)
    limit = (NOW - timedelta(days=90)).isoformat()
    records = client.every()
    assert all(record["log_information"]["updated_date"] <= NOW.isoformat() for record in records)
    for record in records:
        if record["log_information"]["created_date"] < limit:
            client.change("delete", record["number"])
    left = [record["log_information"]["created_date"] for record in client.every()]
    assert len(left) == 25
    assert max(left) == (NOW - timedelta(hours=1)).isoformat()


def test_a_long_list_has_a_hundred_pages(mock: Mock) -> None:
    """Seeded by HTTP, as any scenario can be."""
    with mock.client() as http:
        body = {"scenario": "hundred_pages"}
        http.post(f"{mock.admin_url}/seed", json=body).raise_for_status()
    client = Client(mock)
    pages = [
        client.listed(entity="ACTIVITIES", number_of_results=10, offset=at, fields_set="number")
        for at in (0, 490, 990, 1000)
    ]
    assert [len(page) for page in pages] == [10, 10, 10, 0]
    assert len({record["number"] for page in pages for record in page}) == 30
    assert len(mock.records) == 1000


def test_a_mock_that_really_sends_has_no_scripted_scenario() -> None:
    """It could not keep what the scenario promises; nothing has changed."""
    with crmcom_mock(deliver="http") as mock:
        count = len(mock.records)
        with pytest.raises(UsageError, match=r"^scenario: seen receiver_outage, .*really sends"):
            mock.seed(scenario="receiver_outage")
        assert len(mock.records) == count
        assert mock.seed(scenario="mixed_pages", count=5) == 5
