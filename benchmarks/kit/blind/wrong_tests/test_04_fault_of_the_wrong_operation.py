"""The mistake: the fault is for `show`, but the client only lists and resends, so nothing ever fails.

MUST NAME: show

The client tries once, so a 503 of resend would make the test fail. The docs offer only
`fault.hits`, which this test does not look at. A good tool says at the end of the block: the fault
"status 503" (operation show, times 1) was never hit; the calls were list, resend.
"""

import httpx

from crmcom_kit.mock_server import MockWorld


def resend_rejected(url: str, token: str) -> None:
    with httpx.Client(base_url=f"{url}/webhook_requests/") as client:
        query = {"token": token, "entity": "JOBS", "life_cycle_state": "REJECTED"}
        for record in client.get("list", params=query).json()["data"]:
            identifier = {"number": record["number"]}
            body = {"token": token, "webhook_request_identifier": identifier}
            client.post("resend", json=body)


def test_a_gateway_that_fails_once_is_survived(crmcom_mock: MockWorld) -> None:
    crmcom_mock.seed([])
    crmcom_mock.add(number="4711", entity="JOBS", life_cycle_state="REJECTED")

    with crmcom_mock.fail(operation="show", status=503, times=1):
        resend_rejected(crmcom_mock.url, crmcom_mock.token)

    assert crmcom_mock.records["4711"]["life_cycle_state"] == "SUCCESSFUL"
