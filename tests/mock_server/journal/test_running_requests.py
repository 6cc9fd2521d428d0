"""A request is in the journal from its arrival: its double is seen before its response is due."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Literal

import httpx
import pytest
from helpers.calling import IDENTIFIER, show

from crmcom_kit.mock_server import Mock, create_app, crmcom_mock
from crmcom_kit.schemas import API_PATH

LONG = 60.0  # seconds; no test waits for them to pass
HELD_BACK = 300  # seconds of the world's time
When = Literal["before_commit", "after_commit"]


class Caller:
    """A mock that holds back each resend, and code that calls it through one of the shells."""

    def __init__(self, mock: Mock, client: httpx.Client, when: When) -> None:
        self.mock = mock
        self.number = str(mock.add(life_cycle_state="REJECTED")["number"])
        self._client, self._when = client, when
        self._pool = ThreadPoolExecutor(4)
        mock.fail(operation="resend", delay=HELD_BACK, when=when)

    def _resend(self) -> httpx.Response:
        body = {"token": self.mock.token, IDENTIFIER: {"number": self.number}}
        return self._client.post("webhook_requests/resend", json=body, timeout=LONG)

    def begin(self) -> "Future[httpx.Response]":
        """Begin a resend, which the mock holds back, and return its response to come."""
        before = self.mock.emulated.journal.last
        sent = self._pool.submit(self._resend)

        def is_held_back() -> bool:
            (*_, call) = [None, *self.mock.calls]
            if call is None or call.number == before or call.fault is None:
                return False
            return self._when == "before_commit" or len(call.trace) > 1  # what it did, too

        self.mock.wait_for(is_held_back, timeout=LONG)
        return sent

    def release(self) -> None:
        """Let all that are held back go on, and hold nothing back any more."""
        self.mock.clock.freeze()

    def ask(self, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call the control API; return status and JSON."""
        answer = httpx.request(verb, f"{self.mock.admin_url}{path}", json=body, timeout=LONG)
        return answer.status_code, answer.json()

    def end(self) -> None:
        """Let everything end."""
        self.release()
        self._pool.shutdown()


@contextmanager
def calling(shell: str = "asgi", when: When = "after_commit") -> Iterator[Caller]:
    """Give a caller of a mock through that shell."""
    with crmcom_mock() as mock:
        url, transport = mock.url, None
        if shell == "flask":
            url = f"http://localhost{API_PATH}"
            transport = httpx.WSGITransport(create_app(mock.emulated))
        with httpx.Client(base_url=url, transport=transport) as client:
            caller = Caller(mock, client, when)
            try:
                yield caller
            finally:
                caller.end()


@pytest.mark.parametrize("shell", ["asgi", "flask"])
@pytest.mark.parametrize("when", ["before_commit", "after_commit"])
def test_an_entry_is_there_before_its_response(shell: str, when: When) -> None:
    """It is running, with what it did as far as that is known; answered, it is the same entry."""
    with calling(shell, when) as caller:
        mock, sent = caller.mock, caller.begin()

        (call,) = mock.calls
        seen = call.running, call.status, call.code, call.outcome, call.operation
        assert seen == (True, None, None, None, "resend")
        assert call.state_after == ("SUCCESSFUL" if when == "after_commit" else None)
        assert bool(call.deliveries) == (when == "after_commit")
        assert call.trace[0]["step"] == "fault"
        caller.release()
        assert sent.result(LONG).status_code == 200

        (answered,) = mock.calls
        assert (answered.id, answered.running, answered.status) == (call.id, False, 200)
        assert answered.state_after == "SUCCESSFUL"
        assert (call.running, call.status, call.response) == (True, None, None)


def test_a_double_send_is_seen_while_both_are_held_back() -> None:
    """Verification counts requests that run, in Python as over HTTP; other content keeps them."""
    with calling() as caller:
        mock, _ = caller.mock, caller.begin()
        with pytest.raises(AssertionError, match=r"found 1: .*\n  0-1 POST .* is running"):
            mock.assert_not_called(operation="resend")
        mock.assert_called(record=mock.records[caller.number]["id"], times=1)
        sent = caller.begin()
        with pytest.raises(AssertionError, match="exactly 1, found 2"):
            mock.assert_called(operation="resend", times=1)
        assert caller.ask("POST", "/verify", {"operation": "resend", "times": 2})[0] == 202

        mock.seed([])
        caller.release()
        sent.result(LONG)
        assert [call.status for call in mock.calls] == [200, 200]


def test_nothing_is_said_of_a_response_before_it() -> None:
    """Neither that a request was answered so nor that it was not; a wait is for responses."""
    with calling() as caller:
        mock, sent = caller.mock, caller.begin()
        for expected in (0, 1):
            with pytest.raises(AssertionError, match="before the response:\n  0-1"):
                mock.assert_called(operation="resend", status=200, times=expected)
        mock.assert_called(status=200, times={"at_most": 1})
        mock.assert_not_called(operation="show", status=200)
        with pytest.raises(AssertionError, match=r"before the response:\n  0-1 POST"):
            mock.wait_for(operation="resend", timeout=0)
        assert caller.ask("POST", "/wait", {"operation": "resend", "timeout": 0})[0] == 408
        caller.release()

        (call,) = mock.wait_for(operation="resend", status=200, times=1, timeout=LONG)
        assert call.status == sent.result(LONG).status_code


def test_the_control_api_shows_what_is_running() -> None:
    """Running, without a response; a HAR leaves it out."""
    with calling() as caller:
        sent = caller.begin()
        (shown,) = caller.ask("GET", "/requests")[1]["requests"]
        assert (shown["running"], shown["response"], shown["status"]) == (True, None, None)
        assert (shown["state_before"], shown["state_after"]) == ("REJECTED", "SUCCESSFUL")
        assert caller.ask("GET", "/requests/0-1")[1] == shown
        assert caller.ask("GET", "/requests.har")[1]["log"]["entries"] == []
        caller.release()
        assert sent.result(LONG).status_code == 200
        assert len(caller.ask("GET", "/requests.har")[1]["log"]["entries"]) == 1


def test_a_cleared_request_does_not_come_back() -> None:
    """The response to it does not bring it back, and takes no room."""
    with calling() as caller:
        mock, sent = caller.mock, caller.begin()
        mock.calls.clear()
        mock.assert_not_called()
        caller.release()
        assert sent.result(LONG).status_code == 200

        mock.assert_not_called()
        assert mock.emulated.journal.size == 0
        show(mock)
        assert [call.id for call in mock.calls] == ["0-2"]


def test_a_reset_leaves_a_running_request_in_the_past() -> None:
    """It is answered at once, is in no view of the new epoch, and gives all of its room back."""
    with calling(when="before_commit") as caller:
        mock, sent = caller.mock, caller.begin()
        past = mock.emulated.journal
        mock.reset()
        assert sent.result(LONG).status_code == 200

        mock.assert_not_called()
        assert [entry.response is not None for entry in past.entries()] == [True]
        assert mock.emulated.journal_budget.used == mock.emulated.journal.size == 0


@pytest.mark.parametrize("when", ["before_commit", "after_commit"])
def test_a_stop_completes_what_was_running(when: When) -> None:
    """It is running no longer and keeps what it did; the rest is never done, whatever starts."""
    with calling("asgi", when) as caller:
        mock, sent = caller.mock, caller.begin()
        mock.stop()
        mock.start()
        assert isinstance(sent.exception(LONG), httpx.RemoteProtocolError)

        (call,) = mock.calls
        assert not call.running
        assert call.state_after == ("SUCCESSFUL" if when == "after_commit" else None)
        state = mock.records[caller.number]["life_cycle_state"]
        assert state == (call.state_after or "REJECTED")
