"""The mistake: the list of `SERVICE_REQUESTS` is refused, and the client takes that for an empty list.

MUST NAME: SERVICE_REQUESTS

The entity is SERVICEREQUESTS. The client counts what it tried, so if its list were right, it would
return 1. A good tool says, in a test that passes, too: list was refused (list.entity.supported_values,
entity=SERVICE_REQUESTS), and the test expected no refusal.
"""

import httpx

from crmcom_kit.mock_server import MockWorld


def resend_rejected(url: str, token: str, entity: str) -> int:
    with httpx.Client(base_url=f"{url}/webhook_requests/") as client:
        query = {"token": token, "entity": entity, "life_cycle_state": "REJECTED"}
        found = client.get("list", params=query).json()
        rejected = found.get("data") or []
        for record in rejected:
            identifier = {"number": record["number"]}
            body = {"token": token, "webhook_request_identifier": identifier}
            client.post("resend", json=body)
    return len(rejected)


def test_a_failed_delivery_is_not_counted(crmcom_mock: MockWorld) -> None:
    crmcom_mock.seed([])
    crmcom_mock.add(entity="SERVICEREQUESTS", life_cycle_state="REJECTED")
    crmcom_mock.deliveries.script("timeout")

    assert resend_rejected(crmcom_mock.url, crmcom_mock.token, "SERVICE_REQUESTS") == 0
