"""The stream of events: requests, attempts to deliver, and the world as a whole."""

import json
import threading
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any, NamedTuple

import pytest
from helpers.receivers import During

from crmcom_kit.mock_server.admin import events
from crmcom_kit.schemas import Dialect


class Event(NamedTuple):
    """One event of a stream."""

    name: str
    data: Any


class Stream:
    """The events of a world, read one by one."""

    def __init__(self, mock: Any, query: str = "") -> None:
        self._answer = mock.client.get(f"/__admin/events{query}", buffered=False)
        assert self._answer.headers["Content-Type"] == "text/event-stream"
        self._parts: Iterator[bytes] = iter(self._answer.response)

    def __iter__(self) -> Iterator[Event]:
        for part in self._parts:
            assert part.endswith(b"\n\n")
            lines = dict(line.split(": ", 1) for line in part.decode().rstrip("\n").split("\n"))
            if "event" in lines:
                yield Event(lines["event"], json.loads(lines["data"]))

    def next(self, name: str, fits: Callable[[Any], bool] = bool) -> Event:
        """Return the next event of that name with data that fit."""
        deadline = monotonic() + 60
        for one in self:
            if one.name == name and fits(one.data):
                return one
            assert monotonic() < deadline, one
        return pytest.fail("the stream has ended")

    def close(self) -> None:
        """Leave."""
        self._answer.close()


# Requests.


def test_calls_are_streamed_as_they_are_recorded(mock: Any) -> None:
    """Those after an id come first, then those to come; the stream ends with a reset."""
    for number in ("7", "8", "9"):
        mock.show(f"number={number}")
    stream = Stream(mock, "?since=0-1")

    assert [stream.next("call").data["id"] for _ in range(2)] == ["0-2", "0-3"]
    mock.show()
    found = stream.next("call")
    assert (found.data["id"], found.data["operation"]) == ("0-4", "show")
    mock.world.reset()
    assert [one.name for one in stream if one.name != "world"] == []


def test_a_new_stream_has_what_is_to_come(mock: Any) -> None:
    """Without a place to begin at, calls and deliveries of before are not sent."""
    mock.resend("7")
    stream = Stream(mock)
    stream.next("world")
    mock.show()
    found = next(one for one in stream if one.name != "world")
    assert (found.name, found.data["id"]) == ("call", "0-2")
    stream.close()


# Deliveries.


def test_a_delivery_is_streamed_until_it_ends(make_mock: Any) -> None:
    """A queued one is sent and ends later; an import that replaces the content loses none."""
    may = threading.Event()
    queued = Dialect("queued", {"resend.delivery": "queued"})
    mock = make_mock(dialect=queued, delivery=During(lambda: may.wait(60)))
    stream = Stream(mock)
    stream.next("world")

    mock.resend("7")
    call = stream.next("call")
    sending = stream.next("delivery", lambda one: one["stage"] == "sending")
    may.set()
    ended = stream.next("delivery", lambda one: one["stage"] == "ended")

    assert call.data["deliveries"] == [sending.data["id"]] == [ended.data["id"]]
    assert ended.data["call"] == call.data["number"]
    assert (sending.data["outcome"], ended.data["outcome"]["name"]) == (None, "success")
    assert ended.data == mock.client.get("/__admin/deliveries").json["deliveries"][0]
    state = mock.client.get("/__admin/state").data
    assert mock.client.put("/__admin/state", data=state).status_code == 200
    mock.resend("8")
    found = stream.next("delivery", lambda one: one["stage"] == "ended")
    assert found.data["webhook_request"]["number"] == "8"
    stream.close()


# The world.


def test_the_world_comes_first(mock: Any) -> None:
    """What holds for all of it, at once, before requests that are there already."""
    mock.show()
    mock.client.put("/__admin/clock", json={"mode": "frozen", "at": "2031-02-03T04:05:06Z"})
    stream = Stream(mock, "?since=0")

    assert next(iter(stream)) == Event(
        "world",
        {
            "release": "R9.0.0",
            "dialect": "default",
            "epoch": 0,
            "webhook_requests": len(mock.state()),
            "clock": {"mode": "frozen", "now": "2031-02-03T04:05:06.000Z"},
            "faults": 0,
            "sends": False,
        },
    )
    stream.close()


def test_the_world_is_told_as_it_becomes(
    mock: Any, admin_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Again and again, also after an import, until the mock stops; a fault that is over is none."""
    monkeypatch.setattr(events, "WORLD_SECONDS", 0.01)
    admin, stream = admin_of(mock.client), Stream(mock)
    fault = {"effect": {"status": 503}, "times": 1}
    assert admin.send("POST", "/faults", fault).status_code == 201
    stream.next("world", lambda one: one["faults"] == 1)
    mock.client.get("/crmapi/rest/v2/webhook_requests/show")
    stream.next("world", lambda one: one["faults"] == 0)

    admin.ask("PUT", "/state", b"{}")

    stream.next("world", lambda one: (one["epoch"], one["webhook_requests"]) == (1, 0))
    mock.show()
    assert stream.next("call").data["id"] == "0-2"
    mock.world.config.closing.set()
    assert len(list(stream)) <= 1
