"""The mistake: the test runs with release `R8`, but the webhook_requests methods exist from R9 on.

MUST NAME: R8

A good tool says: release R8 is unknown; the first one is R9.0.0.
"""

import httpx

from crmcom_kit.mock_server import crmcom_mock


def rejected(url: str, token: str, entity: str) -> list[str]:
    query = {"token": token, "entity": entity, "life_cycle_state": "REJECTED"}
    found = httpx.get(f"{url}/webhook_requests/list", params=query).json()
    return [record["number"] for record in found.get("data") or []]


def test_our_oldest_customer_is_supported() -> None:
    with crmcom_mock(release="R8") as mock:
        number = mock.add(entity="JOBS", life_cycle_state="REJECTED")["number"]
        assert number in rejected(mock.url, mock.token, "JOBS")
