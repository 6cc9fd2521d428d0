"""The stream of events: requests, attempts to deliver, and the world as a whole."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from helpers.receivers import During

from crmcom_kit.mock_server.admin import events
from crmcom_kit.schemas import Dialect

Events = Iterator[tuple[str, Any]]  # names and data


def streamed(mock: Any, query: str = "") -> Events:
    with closing(mock.client.get(f"/__admin/events{query}", buffered=False)) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        for part in response.response:
            assert part.endswith(b"\n\n")
            lines = dict(line.split(": ", 1) for line in part.decode().rstrip("\n").split("\n"))
            if "event" in lines:
                yield lines["event"], json.loads(lines["data"])


def next_of(stream: Events, wanted: str, fits: Callable[[Any], bool] = bool) -> Any:
    return next(data for name, data in stream if name == wanted and fits(data))


def test_entries_are_streamed_as_they_are_recorded(mock: Any) -> None:
    """Those after an id come first, then those to come; the stream ends with a reset."""
    for number in ("7", "8", "9"):
        mock.show(f"number={number}")
    stream = streamed(mock, "?since=0-1")

    assert [next_of(stream, "call")["id"] for _ in range(2)] == ["0-2", "0-3"]
    mock.show()
    event = next_of(stream, "call")
    assert (event["id"], event["operation"]) == ("0-4", "show")
    mock.world.reset()
    assert [name for name, _ in stream if name != "world"] == []


def test_a_new_stream_has_what_is_to_come(mock: Any) -> None:
    """The world comes first; calls and deliveries of before are not sent."""
    mock.resend("7")
    mock.client.put("/__admin/clock", json={"mode": "frozen", "at": "2031-02-03T04:05:06Z"})
    stream = streamed(mock)
    world = {
        "release": "R9.0.0",
        "dialect": "default",
        "epoch": 0,
        "webhook_requests": len(mock.state()),
        "clock": {"mode": "frozen", "now": "2031-02-03T04:05:06.000Z"},
        "faults": 0,
        "sends": False,
    }
    assert next(stream) == ("world", world)
    mock.show()
    name, data = next(event for event in stream if event[0] != "world")
    assert (name, data["id"]) == ("call", "0-2")


def test_a_delivery_is_streamed_until_it_ends(make_mock: Any) -> None:
    """A queued one is sent and ends later; an import that replaces the content loses none."""
    may = threading.Event()
    queued = Dialect("queued", {"resend.delivery": "queued"})
    mock = make_mock(dialect=queued, delivery=During(lambda: may.wait(60)))
    stream = streamed(mock)
    next_of(stream, "world")

    mock.resend("7")
    call = next_of(stream, "call")
    sending = next_of(stream, "delivery", lambda one: one["stage"] == "sending")
    may.set()
    ended = next_of(stream, "delivery", lambda one: one["stage"] == "ended")

    assert call["deliveries"] == [sending["id"]] == [ended["id"]]
    assert ended["call"] == call["number"]
    assert (sending["outcome"], ended["outcome"]["name"]) == (None, "success")
    assert ended == mock.client.get("/__admin/deliveries").json["deliveries"][0]
    state = mock.client.get("/__admin/state").data
    assert mock.client.put("/__admin/state", data=state).status_code == 200
    mock.resend("8")
    event = next_of(stream, "delivery", lambda one: one["stage"] == "ended")
    assert event["webhook_request"]["number"] == "8"


def test_the_state_of_the_world_is_streamed(
    mock: Any, admin_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Again and again, also after an import, until the mock stops; a fault that is over is none."""
    monkeypatch.setattr(events, "WORLD_SECONDS", 0.01)
    admin, stream = admin_of(mock.client), streamed(mock)
    fault = {"effect": {"status": 503}, "times": 1}
    assert admin.send("POST", "/faults", fault).status_code == 201
    next_of(stream, "world", lambda one: one["faults"] == 1)
    mock.client.get("/crmapi/rest/v2/webhook_requests/show")
    next_of(stream, "world", lambda one: one["faults"] == 0)

    admin.ask("PUT", "/state", b"{}")

    next_of(stream, "world", lambda one: (one["epoch"], one["webhook_requests"]) == (1, 0))
    mock.show()
    assert next_of(stream, "call")["id"] == "0-2"
    mock.world.config.closing.set()
    assert len(list(stream)) <= 1
