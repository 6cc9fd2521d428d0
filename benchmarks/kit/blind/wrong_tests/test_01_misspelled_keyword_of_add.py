"""The mistake: add() gets `errorcode` instead of `error_code`, so the test does not choose the error.

MUST NAME: errorcode

A good tool says: a webhook request has no member errorcode; do you mean error_code?
"""

import httpx

from crmcom_kit.mock_server import MockWorld


def resend_timeouts(url: str, token: str) -> int:
    sent = 0
    with httpx.Client(base_url=f"{url}/webhook_requests/") as client:
        query = {"token": token, "entity": "JOBS", "life_cycle_state": "REJECTED"}
        for record in client.get("list", params=query).json()["data"]:
            if record["error_code"] == "SocketTimeoutException":
                identifier = {"number": record["number"]}
                body = {"token": token, "webhook_request_identifier": identifier}
                client.post("resend", json=body)
                sent += 1
    return sent


def test_only_timeouts_are_resent(crmcom_mock: MockWorld) -> None:
    crmcom_mock.seed([])
    crmcom_mock.add(
        number="4711", entity="JOBS", life_cycle_state="REJECTED", errorcode="HttpResponseException"
    )

    assert resend_timeouts(crmcom_mock.url, crmcom_mock.token) == 0
    crmcom_mock.assert_not_called(operation="resend")
