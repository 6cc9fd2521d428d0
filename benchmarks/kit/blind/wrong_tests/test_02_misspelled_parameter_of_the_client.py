"""The mistake: the client filters by `lifecycle_state`, which is ignored, so it lists and resends everything.

MUST NAME: lifecycle_state

The docs: by default a misspelled parameter is ignored, and only the report of a failed test warns of it.
A good tool fails the test that passed: the list was sent an unknown parameter lifecycle_state
(life_cycle_state?).
"""

import httpx

from crmcom_kit.mock_server import MockWorld


def resend_rejected(url: str, token: str) -> None:
    with httpx.Client(base_url=f"{url}/webhook_requests/") as client:
        query = {"token": token, "entity": "JOBS", "lifecycle_state": "REJECTED"}
        for record in client.get("list", params=query).json()["data"]:
            identifier = {"number": record["number"]}
            body = {"token": token, "webhook_request_identifier": identifier}
            client.post("resend", json=body).raise_for_status()


def test_all_rejected_requests_are_resent(crmcom_mock: MockWorld) -> None:
    crmcom_mock.seed([])
    for state in ("REJECTED", "SUCCESSFUL", "REJECTED"):
        crmcom_mock.add(entity="JOBS", life_cycle_state=state)

    resend_rejected(crmcom_mock.url, crmcom_mock.token)

    assert not crmcom_mock.records.filter(life_cycle_state="REJECTED")
    crmcom_mock.assert_called(operation="resend")
