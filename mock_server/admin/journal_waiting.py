"""Operations that wait for something to happen in a world: verify, wait, events."""

from collections.abc import Iterator
from typing import Any

from crmcom_kit.mock_server.admin.call import Call, Reply
from crmcom_kit.mock_server.admin.journal import dumped, number_since, written
from crmcom_kit.mock_server.journal import serializers as call_forms
from crmcom_kit.mock_server.journal.call_view import Teller
from crmcom_kit.mock_server.journal.patterns import matching
from crmcom_kit.mock_server.journal.verification import times, verified
from crmcom_kit.mock_server.journal.wait_conditions import (
    Calls,
    Condition,
    Deliveries,
    OneRecord,
    Records,
    wait_for,
)
from crmcom_kit.mock_server.usage_errors import UsageError

#: How often a quiet stream sends something: some servers only so find out that its caller left.
HEARTBEAT_SECONDS = 1.0
_DEFAULT_MILLIS = 10_000


def verify(call: Call) -> Any:
    """Say whether calls were made as expected: 202, or 406 with the nearest ones."""
    pattern = matching(call.body["pattern"])
    expected = times(call.body.get("times"))
    seconds = call.body.get("timeoutMillis", 0) / 1000
    if seconds:
        with call.registry.waiting:
            done = verified(call.world, pattern, expected, seconds=seconds, closing=call.over)
    else:
        done = verified(call.world, pattern, expected)
    payload = {
        "ok": done.ok,
        "count": done.count,
        "message": done.message,
        "requests": [call_forms.summary(one) for one in done.calls],
        "nearMisses": [call_forms.near(one, pattern.shown) for one in done.near],
    }
    return written(payload, 202 if done.ok else 406)


def wait(call: Call) -> Any:
    """Wait for calls, records or deliveries: 200 with what fits, 408 with what is nearest."""
    condition = _condition(call)
    seconds = call.body.get("timeoutMillis", _DEFAULT_MILLIS) / 1000
    with call.registry.waiting:
        done = wait_for(call.world, condition, seconds=seconds, closing=call.over)
    payload = {"ok": done.ok, "why": done.why, **done.told}
    return written(payload, 200 if done.ok else 408)


def _condition(call: Call) -> Condition:
    body, world = call.body, call.world
    if "calls" in body:
        asked = body["calls"]
        since = number_since(call, asked.get("since", "0")) or 0
        return Calls(world, matching(asked["pattern"]), asked.get("times"), since)
    if "records" in body:
        asked = body["records"]
        return Records(world, asked.get("state"), asked.get("times"), asked.get("entity"))
    if "deliveries" in body:
        asked = body["deliveries"]
        delivered = asked.get("delivered")
        return Deliveries(world, asked.get("record"), asked.get("times"), delivered=delivered)
    asked = body["record"]
    if ("id" in asked) == ("number" in asked):
        seen = "both" if "id" in asked else "neither"
        raise UsageError("record", seen=seen, allowed="either id or number")
    key = "id" if "id" in asked else "number"
    return OneRecord(world, key, asked[key], asked.get("state"))  # type: ignore[arg-type]


def events(call: Call) -> Any:
    """Return the calls as they are noted, as server-sent events."""
    text = call.query.get("since") or call.last_event_id
    number = number_since(call, text) if text else None
    if text and number is None:
        raise UsageError("Last-Event-ID", seen=repr(text[:40]), allowed="the id of a call")
    headers = (("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"))
    stream = EventStream(call, number)
    return Reply(stream, 200, "text/event-stream", headers)


class EventStream:
    """Calls as server-sent events; holds a waiting place until it is closed or has ended."""

    def __init__(self, call: Call, since: int | None) -> None:
        """Begin after call number ``since``, or with those to come. Raises LimitExceeded."""
        self._waiting = call.registry.waiting
        self._over = call.over
        self._world = call.world
        self._journal = call.world.journal
        self._since = self._journal.last if since is None else since
        self._waiting.__enter__()
        self._open = True
        self._parts = self._stream()

    def _stream(self) -> Iterator[bytes]:
        yield b"retry: 1000\n\n"  # and whoever reads knows that it has begun
        while not self._over.is_set():
            notes = self._journal.notes(self._since)
            if notes:
                teller = Teller(self._world)
                for note in notes:
                    call = teller.tell(self._journal, note)
                    self._since = call.number
                    data = dumped(call_forms.summary(call))
                    yield f"id: {call.id}\nevent: call\ndata: {data}\n\n".encode()
            elif self._journal.closed:
                return
            elif not self._journal.wait_for(self._news, HEARTBEAT_SECONDS):
                yield b": still here\n\n"

    def _news(self) -> bool | None:
        """Say that there is something to do: a call, or the end."""
        found = self._journal.last > self._since or self._journal.closed or self._over.is_set()
        return found or None

    def __iter__(self) -> "EventStream":
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the waiting place back."""
        if self._open:
            self._open = False
            self._waiting.__exit__(None, None, None)


OPERATIONS = {"verify": verify, "wait": wait, "events": events}
