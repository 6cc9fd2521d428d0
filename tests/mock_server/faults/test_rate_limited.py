"""The preset that answers as a gateway does when a client makes too many requests."""

from typing import Any

from crmcom_kit.schemas import API_PATH

SHOW = f"{API_PATH}/webhook_requests/show?webhook_request_identifier=number=7&token="


def test_the_preset_refuses_one_request(make_mock: Any) -> None:
    """With the seconds that it was given."""
    client = make_mock("R9").client
    client.post("/__admin/faults", json={"preset": "rate_limited", "seconds": 3})
    seen = [client.get(f"{SHOW}T") for _ in range(2)]
    assert seen[0].status_code == 429
    assert seen[0].headers["Retry-After"] == "3"
    assert seen[1].status_code != 429
