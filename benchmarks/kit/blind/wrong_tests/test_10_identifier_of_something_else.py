"""The mistake: the client deletes by `entity_id`, the id of the job, not of the webhook request.

MUST NAME: C41D7E0F92A34B6D8E5F0A1B2C3D4E5F

The delete is refused with HTTP status 200, and assert_called counts it. A good tool says: delete
was refused: id C41D7E0F92A34B6D8E5F0A1B2C3D4E5F is the entity_id of number 4711, not an id; no
call that assert_called counted was accepted.
"""

import httpx

from crmcom_kit.mock_server import MockWorld


def delete_rejected(url: str, token: str) -> None:
    with httpx.Client(base_url=f"{url}/webhook_requests/") as client:
        query = {"token": token, "entity": "JOBS", "life_cycle_state": "REJECTED"}
        for record in client.get("list", params=query).json()["data"]:
            identifier = {"id": record["entity_id"]}
            body = {"token": token, "webhook_request_identifier": identifier}
            client.post("delete", json=body).raise_for_status()


def test_an_old_request_is_deleted(crmcom_mock: MockWorld) -> None:
    crmcom_mock.seed([])
    crmcom_mock.add(
        number="4711",
        entity="JOBS",
        entity_id="C41D7E0F92A34B6D8E5F0A1B2C3D4E5F",
        life_cycle_state="REJECTED",
    )
    delete_rejected(crmcom_mock.url, crmcom_mock.token)
    crmcom_mock.assert_called(operation="delete", times=1)
