"""The mistake: `times` is the string "1", so the control API refuses the fault; nobody looks at that.

MUST NAME: times

The client tries once, so with the fault the test would fail. A good plugin fails a test in whose
world a control request was refused: POST /__admin/faults returned 400: times must be an integer,
not the string "1".
"""

import httpx

from crmcom_kit.mock_server import MockWorld


def resend(url: str, token: str, number: str) -> None:
    body = {"token": token, "webhook_request_identifier": {"number": number}}
    httpx.post(f"{url}/webhook_requests/resend", json=body)


def test_a_gateway_that_fails_once_is_survived(crmcom_mock: MockWorld) -> None:
    admin = crmcom_mock.admin_url
    httpx.post(
        f"{admin}/records",
        json={"number": "4711", "entity": "JOBS", "life_cycle_state": "REJECTED"},
    )
    httpx.post(
        f"{admin}/faults",
        json={"match": {"operation": "resend"}, "effect": {"status": 503}, "times": "1"},
    )

    resend(crmcom_mock.url, crmcom_mock.token, "4711")

    record = httpx.get(f"{admin}/records/4711").json()["record"]
    assert record["life_cycle_state"] == "SUCCESSFUL"
