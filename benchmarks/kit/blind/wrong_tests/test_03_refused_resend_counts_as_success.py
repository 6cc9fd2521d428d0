"""The mistake: HTTP 200 and assert_called count the resend of 4712 as a success, but it was refused.

MUST NAME: 4712

4712 was SUCCESSFUL already, so its resend is an error with status 200. A good tool says: of the 2
resends that assert_called counted, 1 was refused (not_rejected: number 4712 in state SUCCESSFUL);
say outcome="accepted" or outcome="refused".
"""

import httpx

from crmcom_kit.mock_server import MockWorld


def resend_queue(url: str, token: str, queue: list[str]) -> int:
    sent = 0
    for number in queue:
        body = {"token": token, "webhook_request_identifier": {"number": number}}
        response = httpx.post(f"{url}/webhook_requests/resend", json=body)
        if response.status_code == 200:
            sent += 1
    return sent


def test_everything_in_the_queue_is_resent(crmcom_mock: MockWorld) -> None:
    crmcom_mock.add(number="4711", entity="JOBS", life_cycle_state="REJECTED")
    crmcom_mock.add(number="4712", entity="JOBS", life_cycle_state="SUCCESSFUL")

    assert resend_queue(crmcom_mock.url, crmcom_mock.token, ["4711", "4712"]) == 2

    crmcom_mock.assert_called(operation="resend", times=2)
    assert crmcom_mock.records["4712"]["life_cycle_state"] == "SUCCESSFUL"
