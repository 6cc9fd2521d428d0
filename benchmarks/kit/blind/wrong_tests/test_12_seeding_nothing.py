"""The mistake: no record has the error code the filter wants, so seed() gets an empty list.

MUST NAME: JOBS

The code is SocketTimeoutException. Nothing is resent, and all() of nothing is true. A good tool says:
this test seeded an empty list, and the list with entity=JOBS found nothing in an empty world.
"""

import httpx

from crmcom_kit.fixtures import stream
from crmcom_kit.mock_server import MockWorld


def resend_rejected(url: str, token: str) -> None:
    with httpx.Client(base_url=f"{url}/webhook_requests/") as client:
        query = {"token": token, "entity": "JOBS", "life_cycle_state": "REJECTED"}
        for record in client.get("list", params=query).json()["data"]:
            identifier = {"number": record["number"]}
            body = {"token": token, "webhook_request_identifier": identifier}
            client.post("resend", json=body)


def test_all_timeouts_are_resent(crmcom_mock: MockWorld) -> None:
    records = stream(count=200, rejected=1.0)
    jobs = [record for record in records if record["entity"] == "JOBS"]
    crmcom_mock.seed([job for job in jobs if job["error_code"] == "TimeoutException"])

    resend_rejected(crmcom_mock.url, crmcom_mock.token)

    assert all(record["life_cycle_state"] == "SUCCESSFUL" for record in crmcom_mock.records)
