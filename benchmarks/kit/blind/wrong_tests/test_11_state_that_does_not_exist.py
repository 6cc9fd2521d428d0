"""The mistake: the test looks for records in state `FAILED`, which no webhook request can have.

MUST NAME: FAILED

The client does not try again after a timeout, so 4711 is still REJECTED. A good mock refuses the
state (FAILED; allowed are SUCCESSFUL and REJECTED), and a good plugin fails the test whose control
request was refused, even if the test reads only .get("records").
"""

import httpx

from crmcom_kit.mock_server import MockWorld


def resend(url: str, token: str, number: str) -> None:
    body = {"token": token, "webhook_request_identifier": {"number": number}}
    httpx.post(f"{url}/webhook_requests/resend", json=body)


def test_nothing_is_left_after_the_night(crmcom_mock: MockWorld) -> None:
    admin = crmcom_mock.admin_url
    new = {"number": "4711", "entity": "JOBS", "life_cycle_state": "REJECTED"}
    httpx.post(f"{admin}/records", json=new).raise_for_status()
    script = {"script": "timeout, success", "record": "4711"}
    httpx.put(f"{admin}/deliveries/script", json=script).raise_for_status()

    resend(crmcom_mock.url, crmcom_mock.token, "4711")

    left = httpx.get(f"{admin}/records", params={"entity": "JOBS", "state": "FAILED"}).json()
    assert not left.get("records")
