"""A request is in the journal from its arrival, so a duplicate is seen before its response."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Literal

import httpx
import pytest
from helpers.calling import IDENTIFIER, resend, show
from helpers.patience import PATIENCE

from crmcom_kit.mock_server import Mock, create_app, crmcom_mock
from crmcom_kit.schemas import API_PATH

HELD_BACK = 300  # seconds of the world's time
When = Literal["before_commit", "after_commit"]


class Held:
    """A mock that holds back each resend, and the first one of them."""

    def __init__(self, mock: Mock, when: When, *, is_flask: bool) -> None:
        self.mock, self._when, self._is_flask = mock, when, is_flask
        self.number = str(mock.add(life_cycle_state="REJECTED")["number"])
        self._pool = ThreadPoolExecutor(4)
        mock.fail(operation="resend", delay=HELD_BACK, when=when)
        self.sent = self.resend()

    def _resend(self) -> int:
        if not self._is_flask:
            return resend(self.mock, self.number).status_code
        body = {"token": self.mock.token, IDENTIFIER: {"number": self.number}}
        client = create_app(self.mock.emulated).test_client()
        return client.post(f"{API_PATH}/webhook_requests/resend", json=body).status_code

    def resend(self) -> "Future[int]":
        """Begin a resend, and return its status to come once the mock holds it back."""
        before = len(self.mock.requests)
        sent = self._pool.submit(self._resend)
        steps = 1 if self._when == "before_commit" else 2  # what it did, too
        self.mock.wait_for(
            lambda: [call for call in self.mock.requests[before:] if len(call.trace) >= steps],
            timeout=PATIENCE,
        )
        return sent

    def release(self) -> int:
        """Release all requests that are held back; return the status of the first."""
        self.mock.clock.freeze()
        return self.sent.result(PATIENCE)

    def ask(self, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        response = httpx.request(verb, f"{self.mock.admin_url}{path}", json=body, timeout=PATIENCE)
        return response.status_code, response.json()


@contextmanager
def held_back(when: When = "after_commit", *, is_flask: bool = False) -> Iterator[Held]:
    with crmcom_mock() as mock:
        held = Held(mock, when, is_flask=is_flask)
        try:
            yield held
        finally:
            mock.clock.freeze()


@pytest.mark.parametrize("is_flask", [False, True])
@pytest.mark.parametrize("when", ["before_commit", "after_commit"])
def test_an_entry_is_there_before_its_response(when: When, *, is_flask: bool) -> None:
    """It is running, with what it did as far as known; after its response, it is the same entry."""
    with held_back(when, is_flask=is_flask) as held:
        (call,) = held.mock.requests
        seen = call.running, call.status, call.code, call.outcome, call.operation
        assert seen == (True, None, None, None, "resend")
        assert call.state_after == ("SUCCESSFUL" if when == "after_commit" else None)
        assert bool(call.deliveries) == (when == "after_commit")
        assert call.trace[0]["step"] == "fault"
        assert held.release() == 200

        (ended,) = held.mock.requests
        assert (ended.id, ended.running, ended.status) == (call.id, False, 200)
        assert ended.state_after == "SUCCESSFUL"
        assert (call.running, call.status, call.response) == (True, None, None)


@pytest.mark.parametrize("when", ["before_commit", "after_commit"])
def test_an_entry_that_was_seen_at_its_arrival_is_seen_again_with_its_fault(when: When) -> None:
    with held_back(when) as held:
        journal = held.mock.emulated.current_epoch.journal
        (entry,) = held.mock.wait_for(lambda: journal.changed_since(1)[1], timeout=PATIENCE)
        (call,) = held.mock.requests
        assert call.trace[0]["step"] == "fault"
        assert (entry.carried_out is not None) == (when == "after_commit")


def test_a_double_send_is_seen_while_both_are_held_back() -> None:
    """Verification counts requests that run, in Python as over HTTP; other content keeps them."""
    with held_back() as held:
        mock = held.mock
        with pytest.raises(AssertionError, match=r"found 1: .*\n  0-1 POST .* is running"):
            mock.assert_not_called(operation="resend")
        mock.assert_called(record=mock.records[held.number]["id"], times=1)
        second = held.resend()
        with pytest.raises(AssertionError, match="exactly 1, found 2"):
            mock.assert_called(operation="resend", times=1)
        assert held.ask("POST", "/verify", {"operation": "resend", "times": 2})[0] == 202

        mock.seed([])
        held.release()
        second.result(PATIENCE)
        assert [call.status for call in mock.requests] == [200, 200]


def test_before_its_response_a_request_matches_no_response() -> None:
    """It is neither counted nor excluded; a wait is for responses."""
    with held_back() as held:
        mock = held.mock
        for expected in (0, 1):
            with pytest.raises(AssertionError, match="before the response:\n  0-1"):
                mock.assert_called(operation="resend", status=200, times=expected)
        mock.assert_called(status=200, times={"at_most": 1})
        mock.assert_not_called(operation="show", status=200)
        with pytest.raises(AssertionError, match=r"before the response:\n  0-1 POST"):
            mock.wait_for(operation="resend", timeout=0)
        assert held.ask("POST", "/wait", {"operation": "resend", "timeout": 0})[0] == 408
        held.release()
        assert mock.wait_for(operation="resend", status=200, times=1, timeout=PATIENCE)


def test_the_control_api_shows_what_is_running() -> None:
    """Running, without a response; a HAR leaves it out."""
    with held_back() as held:
        (shown,) = held.ask("GET", "/requests")[1]["requests"]
        assert (shown["running"], shown["response"], shown["status"]) == (True, None, None)
        assert (shown["state_before"], shown["state_after"]) == ("REJECTED", "SUCCESSFUL")
        assert held.ask("GET", "/requests/0-1")[1] == shown
        assert held.ask("GET", "/requests.har")[1]["log"]["entries"] == []
        held.release()
        assert len(held.ask("GET", "/requests.har")[1]["log"]["entries"]) == 1


def test_a_cleared_request_does_not_come_back() -> None:
    """The response to it does not bring it back, and takes no room."""
    with held_back() as held:
        mock = held.mock
        mock.requests.clear()
        mock.assert_not_called()
        assert held.release() == 200

        mock.assert_not_called()
        assert mock.emulated.journal.size == 0
        show(mock)
        assert [call.id for call in mock.requests] == ["0-2"]


def test_a_reset_leaves_a_running_request_in_the_old_epoch() -> None:
    """It gets its response at once, is in no view of the new epoch, and frees all of its room."""
    with held_back("before_commit") as held:
        mock, past = held.mock, held.mock.emulated.journal
        mock.reset()
        assert held.sent.result(PATIENCE) == 200

        mock.assert_not_called()
        assert [entry.response is not None for entry in past.entries()] == [True]
        assert mock.emulated.journal_budget.used == mock.emulated.journal.size == 0


@pytest.mark.parametrize("when", ["before_commit", "after_commit"])
def test_a_stop_completes_what_was_running(when: When) -> None:
    """It is running no longer and keeps what it did; the rest is never done, whatever starts."""
    with held_back(when) as held:
        mock = held.mock
        mock.stop()
        mock.start()
        assert isinstance(held.sent.exception(PATIENCE), httpx.RemoteProtocolError)

        (call,) = mock.requests
        assert not call.running
        assert call.state_after == ("SUCCESSFUL" if when == "after_commit" else None)
        state = mock.records[held.number]["life_cycle_state"]
        assert state == (call.state_after or "REJECTED")
