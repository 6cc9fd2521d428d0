"""The mistake: the scenario only makes rejected records; in this "outage" each resend succeeds.

MUST NAME: receiver_outage

The client raises an alarm for each failed resend, not one for the night: with an outage the test
would fail. A good mock lets resends fail in this scenario, or says: scenario receiver_outage has 20
rejected requests, but deliveries succeed; add deliveries.script("timeout").
"""

import httpx

from crmcom_kit.mock_server import MockWorld

ENTITIES = ("ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS")


def night_job(url: str, token: str) -> list[str]:
    alarms: list[str] = []
    with httpx.Client(base_url=f"{url}/webhook_requests/") as client:
        for entity in ENTITIES:
            query = {"token": token, "entity": entity, "life_cycle_state": "REJECTED"}
            for record in client.get("list", params=query).json()["data"]:
                identifier = {"number": record["number"]}
                body = {"token": token, "webhook_request_identifier": identifier}
                resent = client.post("resend", json=body).json()["data"]
                if resent["life_cycle_state"] != "SUCCESSFUL":
                    alarms.append(f"{record['number']} failed again")
    return alarms


def test_an_outage_raises_at_most_one_alarm(crmcom_mock: MockWorld) -> None:
    crmcom_mock.seed(scenario="receiver_outage", count=20)
    assert len(night_job(crmcom_mock.url, crmcom_mock.token)) <= 1
