"""The stream of server-sent events: requests, attempts to deliver, and the world as a whole."""

import json
from collections.abc import Iterator
from time import monotonic
from typing import Annotated, Any

from crmcom_kit.mock_server.admin.contract import Call, Reply, operation
from crmcom_kit.mock_server.admin.journal import EntryId
from crmcom_kit.mock_server.admin.serializers import attempts_view
from crmcom_kit.mock_server.admin.worlds import get_clock
from crmcom_kit.mock_server.journal.entry_view import EntryView, JournalReader

#: How often a stream has an event about the world. When some servers write it, they notice that
#: the client has left.
WORLD_SECONDS = 1.0


@operation("GET /events", "journal", media="text/event-stream")
def events(
    call: Call, *, since: Annotated[EntryId, "Requests after this one."] | None = None
) -> Reply[Any]:
    """Return requests as they arrive and get their responses, as server-sent events.

    There are three kinds of events. `call` is a request with a summary as in `POST /verify`. It
    comes with the response; a request that is seen running comes before that, too. `delivery` is an
    attempt to deliver as `GET /deliveries` lists it. It comes when the attempt is made and at each
    change. Its `call` is null until the request that caused it was carried out. `world` comes at
    once and then every second: release, dialect, epoch, number of webhook requests, clock, how many
    faults may still hit, and whether deliveries are really sent. `since` says after which entry of
    the journal the requests begin; 0 is for all. The stream ends when the world is reset or the
    mock stops. Some clients print nothing until the end: with curl use -N.
    """
    stream = _events(call, call.world.reader, since)
    next(stream)
    headers = (("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"))
    return Reply(stream, 200, "text/event-stream", headers)


def _events(call: Call, reader: JournalReader, since: str | None) -> Iterator[bytes]:
    """Yield an event for each new or changed entry, each change of an attempt, and each second.

    The first part is empty. Taking it holds a wait slot until the stream ends or is closed, and
    raises LimitExceeded if there is none.
    """
    journal, attempts = reader.journal, reader.attempts
    revision = journal.revision if since is None else 0
    attempt_revision = attempts.revision
    first = journal.number_of(since or "0")

    def has_news() -> bool:
        """Return True if there is a new request, response or attempt."""
        return journal.revision > revision or attempts.revision > attempt_revision

    with call.registry.wait_slot():
        yield b""
        yield b"retry: 1000\n\n"  # shows the client that the stream has begun
        next_world = monotonic()
        while not call.is_over():
            if monotonic() >= next_world:
                next_world = monotonic() + WORLD_SECONDS
                yield _event("world", world_view(call))
            revision, entries = journal.changed_since(revision)
            for entry in entries:
                if entry.number > first:
                    yield _event("call", EntryView(reader, entry).summary())
            if attempts.revision > attempt_revision:
                attempt_revision, changed_attempts = attempts.changed_since(attempt_revision)
                for attempt in attempts_view(call, changed_attempts):
                    yield _event("delivery", attempt)
            if journal.closed and not entries:
                return
            journal.wait_until(has_news, next_world - monotonic(), call.is_over)


def _event(name: str, data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def world_view(call: Call) -> dict[str, Any]:
    """Return the data of an event about the world as a whole."""
    world = call.world
    epoch = world.current_epoch
    return {
        "release": world.config.release.name,
        "dialect": world.config.dialect.name,
        "epoch": epoch.number,
        "webhook_requests": len(epoch.store),
        "clock": get_clock(call),
        "faults": sum(not state.over for state in epoch.faults.all()),
        "sends": epoch.sends,
    }
