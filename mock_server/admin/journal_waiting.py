"""Operations that may wait for something to happen in a world: verify, wait, events."""

from collections.abc import Iterator
from typing import Any

from crmcom_kit.mock_server.admin.call import Call, Reply
from crmcom_kit.mock_server.admin.journal import dumped, number_since, written
from crmcom_kit.mock_server.journal import serializers, verification
from crmcom_kit.mock_server.journal.patterns import pattern_of
from crmcom_kit.mock_server.store.records import Key
from crmcom_kit.mock_server.usage_errors import UsageError
from crmcom_kit.mock_server.world.world import World

#: How often an idle stream sends a comment; some servers need it to notice that the caller left.
HEARTBEAT_SECONDS = 1.0
_DEFAULT_MILLIS = 10_000


def verify(call: Call) -> Any:
    """Verify that requests were made as expected: 202, or 406 with the nearest ones."""
    pattern = pattern_of(call.body["pattern"])
    expected = verification.times(call.body.get("times"))
    seconds = call.body.get("timeoutMillis", 0) / 1000
    if seconds:
        with call.registry.waiting:
            done = verification.verify(
                call.world.reader, pattern, expected, seconds=seconds, closing=call.over
            )
    else:
        done = verification.verify(call.world.reader, pattern, expected)
    payload = {
        "ok": done.ok,
        "count": done.count,
        "message": done.message,
        "requests": [serializers.summary(one) for one in done.calls],
        "nearMisses": [one.as_json(pattern.shown) for one in done.near],
    }
    return written(payload, 202 if done.ok else 406)


def wait(call: Call) -> Any:
    """Wait for requests, records or deliveries: 200 with them, or 408 with what is nearest."""
    journal = call.world.journal  # first: a reset from now on ends the wait
    condition = _condition(call)
    seconds = call.body.get("timeoutMillis", _DEFAULT_MILLIS) / 1000
    with call.registry.waiting:
        done = verification.wait_for(journal, condition, seconds=seconds, closing=call.over)
    payload = {"ok": done.ok, "why": done.why, **done.facts}
    return written(payload, 200 if done.ok else 408)


def _condition(call: Call) -> verification.Condition:
    body, world = call.body, call.world
    if "calls" in body:
        asked = body["calls"]
        since = number_since(call, asked.get("since", "0")) or 0
        pattern = pattern_of(asked["pattern"])
        return verification.Calls(world.reader, pattern, asked.get("times"), since)
    if "records" in body:
        asked = body["records"]
        state, entity = asked.get("state"), asked.get("entity")
        return verification.records(lambda: world.store, state, asked.get("times"), entity)
    if "deliveries" in body:
        asked = body["deliveries"]
        record, delivered = asked.get("record"), asked.get("delivered")
        return verification.Count(
            lambda: _delivered(world, record, delivered=delivered), asked.get("times")
        )
    asked = body["record"]
    if ("id" in asked) == ("number" in asked):
        seen = "both" if "id" in asked else "neither"
        raise UsageError("record", seen=seen, allowed="either id or number")
    key: Key = "id" if "id" in asked else "number"
    return verification.OneRecord(lambda: world.store, key, asked[key], asked.get("state"))


def _delivered(world: World, record: str | None, *, delivered: bool | None) -> int:
    """Count the attempts that are over: of a record or any, delivered or not or either."""
    return sum(
        attempt.over
        and delivered in (None, attempt.outcome is not None and attempt.outcome.delivered)
        for attempt in world.current_epoch.attempts.notes(record=record)
    )


def events(call: Call) -> Any:
    """Return the requests as they are recorded, as server-sent events."""
    text = call.query.get("since") or call.last_event_id
    number = number_since(call, text) if text else None
    if text and number is None:
        raise UsageError("Last-Event-ID", seen=repr(text[:40]), allowed="the id of a call")
    headers = (("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"))
    stream = EventStream(call, number)
    return Reply(stream, 200, "text/event-stream", headers)


class EventStream:
    """Requests as server-sent events; holds a wait slot until it is closed or ends."""

    def __init__(self, call: Call, since: int | None) -> None:
        """Begin after entry ``since``; by default with the next one. Raises LimitExceeded."""
        self._waiting = call.registry.waiting
        self._over = call.over
        self._reader = call.world.reader
        self._journal = self._reader.journal
        self._since = self._journal.last if since is None else since
        self._waiting.__enter__()
        self._open = True
        self._parts = self._stream()

    def _stream(self) -> Iterator[bytes]:
        yield b"retry: 1000\n\n"  # so that the reader knows that the stream has begun
        while not self._over.is_set():
            calls = self._reader.calls(self._since)
            for call in calls:
                self._since = call.number
                data = dumped(serializers.summary(call))
                yield f"id: {call.id}\nevent: call\ndata: {data}\n\n".encode()
            if calls:
                continue
            if self._journal.closed:
                return
            if not self._journal.wait_for(self._news, HEARTBEAT_SECONDS):
                yield b": still here\n\n"

    def _news(self) -> bool | None:
        """Return True if there is something to do: a new entry, or the end."""
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
        """Release the wait slot."""
        if self._open:
            self._open = False
            self._waiting.__exit__(None, None, None)


OPERATIONS = {"verify": verify, "wait": wait, "events": events}
