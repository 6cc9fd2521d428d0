"""A limit of requests a second for each token: ``--rate-limit``, and the preset for one refusal."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from crmcom_kit.cli import main
from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.clock import FixedClock
from crmcom_kit.mock_server.world.rate_limit import MAX_COUNTED, RateLimit
from crmcom_kit.schemas import API_PATH

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SHOW = f"{API_PATH}/webhook_requests/show?webhook_request_identifier=number=7&token="


def test_a_token_has_its_own_limit_by_the_clock_of_the_world() -> None:
    """What is too much is refused as by a gateway, kept in the journal, and changes nothing."""
    world = make_world(tokens=["A", "B"], clock=FixedClock(NOON), rate_limit=2)
    client = create_app(world).test_client()
    seen = [client.get(f"{SHOW}A") for _ in range(3)]

    assert [each.status_code for each in seen] == [200, 200, 429]
    assert seen[2].headers["Retry-After"] == "1"
    assert "429 Too Many Requests" in seen[2].text
    assert client.get(f"{SHOW}B").status_code == 200
    body = {"token": "A", "webhook_request_identifier": {"number": "7"}}
    assert client.post(f"{API_PATH}/webhook_requests/resend", json=body).status_code == 429
    assert '"REJECTED"' in client.get(f"{SHOW}B").text
    listed = client.get("/__admin/requests").get_json()["requests"]
    assert [each["response"]["status"] for each in listed].count(429) == 2
    client.post("/__admin/clock/advance", json={"seconds": 1})
    assert client.get(f"{SHOW}A").status_code == 200


def test_a_bucket_holds_one_second_and_fills_evenly() -> None:
    """Whether the rate is above or below one a second."""
    slow, fast = RateLimit(0.5), RateLimit(10)
    assert [slow.wait("A", NOON + timedelta(seconds=at)) for at in (0, 1, 2, 3)] == [0, 1, 0, 1]
    assert [fast.wait("A", NOON) for _ in range(11)] == [0] * 10 + [1]
    later = NOON + timedelta(hours=1)
    assert [fast.wait("A", later) for _ in range(11)] == [0] * 10 + [1]
    assert fast.wait("A", NOON) == 1  # a clock that is set back allows nothing more


def test_the_tokens_that_are_counted_are_bounded() -> None:
    """Whoever makes up tokens does not fill the memory."""
    limit = RateLimit(1)
    for at in range(MAX_COUNTED + 10):
        limit.wait(str(at), NOON)
    assert len(limit._left) == MAX_COUNTED  # noqa: SLF001 - nothing else tells


def test_the_preset_refuses_one_request(make_mock: Any) -> None:
    """With the seconds that it was given."""
    client = make_mock("R9").client
    client.post("/__admin/faults/presets/rate_limited", json={"seconds": 3})
    seen = [client.get(f"{SHOW}T") for _ in range(2)]
    assert seen[0].status_code == 429
    assert seen[0].headers["Retry-After"] == "3"
    assert seen[1].status_code != 429


@pytest.mark.parametrize("text", ["0", "-1", "nan", "x"])
def test_a_limit_that_no_server_can_keep_is_refused(text: str) -> None:
    """By the name of the option."""
    result = CliRunner().invoke(main, ["serve", "--rate-limit", text])
    assert result.exit_code == 2
    assert "--rate-limit" in result.output
