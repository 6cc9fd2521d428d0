"""The mistake: the marker is called `crmcom_fault`; `crmcom_faults` does nothing, so there is no outage.

MUST NAME: crmcom_faults

The client reads JSON from everything, so a gateway's page would make it raise. pytest only warns of
unknown marks. A good plugin fails the test: unknown marker crmcom_faults; do you mean crmcom_fault?
"""

import httpx
import pytest

from crmcom_kit.mock_server import MockWorld


def resend_rejected(url: str, token: str) -> int:
    sent = 0
    with httpx.Client(base_url=f"{url}/webhook_requests/") as client:
        query = {"token": token, "entity": "ACTIVITIES", "life_cycle_state": "REJECTED"}
        for record in client.get("list", params=query).json()["data"]:
            identifier = {"number": record["number"]}
            body = {"token": token, "webhook_request_identifier": identifier}
            resent = client.post("resend", json=body).json().get("data") or {}
            sent += resent.get("life_cycle_state") == "SUCCESSFUL"
    return sent


@pytest.mark.crmcom_faults("outage", seconds=30)
def test_an_outage_does_not_end_the_night_job(crmcom_mock: MockWorld) -> None:
    resend_rejected(crmcom_mock.url, crmcom_mock.token)  # must not raise
    crmcom_mock.assert_called(operation="list")
