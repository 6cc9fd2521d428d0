"""The mistake: the added record is thought to be of 2024-01-31, the frozen clock; it is of 2016.

MUST NAME: created_date

The job keeps 365 days instead of 90: a record that is really 91 days old would stay, and the test
would fail. A good mock dates it by the frozen clock, or says: add() filled in created_date 2016-…
for 4711, though the clock was frozen at 2024-01-31; give log_information={"created_date": …}.
"""

from datetime import datetime, timedelta

import httpx

from crmcom_kit.mock_server import MockWorld


def delete_old(url: str, token: str, now: datetime) -> None:
    with httpx.Client(base_url=f"{url}/webhook_requests/") as client:
        query = {"token": token, "entity": "JOBS", "life_cycle_state": "REJECTED"}
        for record in client.get("list", params=query).json()["data"]:
            created = datetime.fromisoformat(record["log_information"]["created_date"])
            if now - created > timedelta(days=365):
                identifier = {"number": record["number"]}
                body = {"token": token, "webhook_request_identifier": identifier}
                client.post("delete", json=body)


def test_a_request_of_91_days_is_deleted(crmcom_mock: MockWorld) -> None:
    crmcom_mock.clock.freeze("2024-01-31T12:00:00Z")
    crmcom_mock.seed([])
    crmcom_mock.add(number="4711", entity="JOBS", life_cycle_state="REJECTED")

    crmcom_mock.clock.advance(hours=91 * 24)
    delete_old(crmcom_mock.url, crmcom_mock.token, datetime(2024, 1, 31, 12) + timedelta(days=91))

    assert len(crmcom_mock.records) == 0
