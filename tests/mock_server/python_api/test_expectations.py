"""What a test says of refusals and faults: silence is no success."""

from typing import Any

import pytest
from helpers.calling import list_of, resend, show

from crmcom_kit.mock_server import Mock
from crmcom_kit.mock_server.journal.entry_view import archive
from crmcom_kit.usage_errors import UsageError


def test_a_fault_that_was_never_hit_is_named(mock: Mock) -> None:
    """Also one that was removed; of a preset, one hit is enough."""
    with mock.fail(operation="delete", record="7", status=503):
        show(mock)
    mock.fail("slow then dead", requests=1, delay=0)
    show(mock)
    mock.fail(name="later", operation="show", drop=True, when="before_commit", nth=9)
    show(mock.world("other"))

    with pytest.raises(AssertionError) as refused:
        mock.assert_nothing_unexpected()
    assert str(refused.value).splitlines() == [
        "unexpected:",
        "  fault never hit: status 503 (delete of 7) hit 0 of 0 matching requests",
        "  fault never hit: later (show) hit 0 of 0 matching requests",
    ]
    mock.reset()
    mock.assert_nothing_unexpected()


def test_a_delay_that_a_frozen_clock_swallows_is_unexpected(mock: Mock) -> None:
    mock.clock.freeze()
    with mock.fail(name="slow", delay=30):
        show(mock)
    with pytest.raises(AssertionError, match="slow of request 1 has no effect: the clock is froz"):
        mock.assert_nothing_unexpected()


def test_an_error_of_a_fault_is_no_refusal(mock: Mock) -> None:
    """So nobody need expect it, and it does not count."""
    with mock.fail(error="expired_token"):
        show(mock)
        mock.assert_nothing_unexpected()
        expected = mock.expect_refusal(error="expired_token")
        assert show(mock).json()["status"]["code"] != "OK"
    assert expected.count == 0


def test_an_expected_refusal_is_marked_and_others_are_named(mock: Mock) -> None:
    """As many as are expected, of the operation, the record and the kind of error."""
    expected = mock.expect_refusal("resend", record="7", error=["not_rejected"], times=1)
    never = mock.expect_refusal(operation=("show", "list"), error="invalid_token")
    resend(mock, "7")
    resend(mock, "8")
    assert mock.requests[-1].outcome == "accepted"
    resend(mock, "7")
    resend(mock, "7")
    list_of(mock, entity="JOBS", colour="red")

    assert [call.outcome == "refused" for call in mock.requests] == [
        False,
        False,
        True,
        True,
        False,
    ]
    assert (expected.count, never.count) == (1, 0)
    archived = archive(mock.requests, "http://mock", "R9.0.0")["log"]["entries"]
    marks = [entry.get("_expected_refusal") for entry in archived]
    assert marks == [None, None, True, None, None]
    with pytest.raises(AssertionError) as refused:
        mock.assert_nothing_unexpected()
    lines = str(refused.value).splitlines()
    assert lines[1].startswith("  request 4, resend: refused (not_rejected): ")
    assert lines[2].startswith('  request 5, list: warning: "colour" is unknown to list')
    assert lines[3] == ("  expected refusal: show or list for invalid_token, at least once; 0 came")
    assert len(lines) == 4


def test_only_the_first_requests_are_kept(mock: Mock) -> None:
    """Whatever the journal has room for, or is cleared of; secrets are hidden."""
    for _ in range(22):
        show(mock, mock.token)
    mock.requests.clear()

    with pytest.raises(AssertionError) as refused:
        mock.assert_nothing_unexpected()
    assert len(str(refused.value).splitlines()) == 22
    assert str(refused.value).endswith("\n  2 more requests")
    assert mock.token not in str(refused.value)


@pytest.mark.parametrize("kind", ["not_rejected", "resent_webhook_request"])
def test_a_special_kind_of_refusal_is_one_of_its_general_kind(mock: Mock, kind: str) -> None:
    """Here, that what was sent again is not REJECTED any more."""
    resend(mock)
    mock.expect_refusal("resend", error=kind, times=1)
    resend(mock)
    mock.assert_nothing_unexpected()


def test_a_mistake_in_a_request_to_the_control_api_is_unexpected(mock: Mock) -> None:
    """But to ask for what is not there is none."""
    with mock.client() as client:
        client.get(f"{mock.admin_url}/records/none")
        mock.assert_nothing_unexpected()
        client.get(f"{mock.admin_url}/records", params={"state": "FAILED"})

    with pytest.raises(AssertionError, match='GET /records: state: seen "FAILED"'):
        mock.assert_nothing_unexpected()


def test_what_was_served_can_be_asked_for(mock: Mock) -> None:
    """A refused request counts unless only served ones are asked for; a message says how many."""
    with mock.fail("lost response"), pytest.raises(Exception, match="disconnected"):
        resend(mock)
    resend(mock)
    with mock.fail(status=503):
        resend(mock)

    mock.assert_called("resend", times=3)
    (carried_out,) = mock.assert_called("resend", served=True, times=1)
    assert carried_out.fault is not None
    with pytest.raises(AssertionError, match=r"^expected exactly 1, found 3 \(1 refused; served="):
        mock.assert_called("resend", times=1)
    mock.assert_not_called("resend", served=True, outcome="refused")


def test_a_delivery_script_that_was_never_used_is_unexpected(mock: Mock) -> None:
    """Of one webhook request; the world's is for whatever comes, and a scenario's for a client."""
    mock.deliveries.script("refused")
    mock.deliveries.script("timeout", record="7")
    mock.deliveries.script("timeout", record="8")
    resend(mock, "7")
    with pytest.raises(AssertionError, match=r"\n  delivery script never used: timeout for 8$"):
        mock.assert_nothing_unexpected()
    mock.seed(scenario="poisoned_record")
    mock.assert_nothing_unexpected()


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        ({"operation": "list", "error": "not_rejected"}, '"not_rejected" of list; .* of resend'),
        ({"operation": ["show", "list"], "record": "7"}, 'operation: seen "list"; allowed is some'),
    ],
)
def test_a_refusal_that_cannot_come_is_not_expected(
    mock: Mock, refusal: dict[str, Any], message: str
) -> None:
    """Its operation has no such error, or names no webhook request."""
    with pytest.raises(UsageError, match=message):
        mock.expect_refusal(**refusal)


def test_a_record_that_never_was_has_no_requests_by_mistake(mock: Mock) -> None:
    """Nothing was asked of a typo; but a client may ask for what is not there, or was deleted."""
    with pytest.raises(UsageError, match='record: seen "77777"'):
        mock.assert_not_called("resend", record="77777")
    show(mock, "77777")
    mock.assert_not_called("resend", record="77777")
    mock.remove("7")
    mock.assert_not_called("delete", record="7")
