"""The stream of server-sent events: requests, attempts to deliver, and the world as a whole."""

import json
from collections.abc import Iterator
from time import monotonic
from typing import Annotated, Any

from crmcom_kit.mock_server.admin.call import Call, Reply
from crmcom_kit.mock_server.admin.contract import operation
from crmcom_kit.mock_server.admin.journal import EntryId
from crmcom_kit.mock_server.admin.serializers import attempts as attempts_view
from crmcom_kit.mock_server.admin.worlds import get_clock
from crmcom_kit.mock_server.journal.call_view import CallView, JournalReader
from crmcom_kit.mock_server.journal.journal import Entry
from crmcom_kit.usage_errors import UsageError

#: How often a stream has an event about the world. By writing it some servers notice that the
#: client has left.
WORLD_SECONDS = 1.0


@operation("GET /events", "journal", media="text/event-stream")
def events(
    call: Call, *, since: Annotated[EntryId, "Only requests after this one."] | None = None
) -> Reply:
    """Return the requests as they arrive and are answered, as server-sent events.

    There are three kinds of events, by name. `call` is a request with a summary as in `POST
    /verify`: when it is answered, and before that when it is seen running, so that one request may
    come twice. `delivery` is an attempt to deliver as `GET /deliveries` lists it, when it is made
    and whenever it changes; its call is null until the request that caused it was carried out,
    whose event names its deliveries. `world` comes at once and then every second: release, dialect,
    epoch, number of webhook requests, clock, how many faults may still hit, and whether deliveries
    are really sent. The id of an event is that of the last request before which none is running: a
    client that reconnects with the header Last-Event-ID, or with since, gets the requests and
    responses in between, some of them again, if the journal still has them. The stream ends when
    the world is reset or the mock stops. Some clients print nothing until the end: with curl use
    -N.
    """
    reader = call.world.reader
    last = reader.journal.last
    text = since or call.headers.get("Last-Event-ID")
    if text:
        number = reader.journal.number_of(text)
        if number is None:
            raise UsageError("Last-Event-ID", seen=repr(text[:40]), allowed="the id of a call")
        last = number
    stream = _events(call, reader, last)
    next(stream)
    headers = (("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"))
    return Reply(stream, 200, "text/event-stream", headers)


def _events(call: Call, reader: JournalReader, since: int) -> Iterator[bytes]:
    """Yield an event for each request after ``since``, each change of an attempt, and each second.

    A request that is running has a second event when it is answered. The id of an event is that of
    the last request before which none is running: a client that continues there misses no response.

    The first part is empty, and taken before the response begins: from then on a wait slot is held
    until the stream ends or is closed. Raises LimitExceeded.
    """
    journal, attempts, over = reader.journal, reader.attempts, call.over
    revision = attempts.revision
    seen = -1  # the journal's revision
    running: list[Entry] = []

    def has_news() -> bool:
        """Whether there is a new request, response or attempt."""
        return journal.revision > seen or attempts.revision > revision

    with call.registry.waiting:
        yield b""
        yield b"retry: 1000\n\n"  # so that the client knows that the stream has begun
        next_world = monotonic()
        while not over():
            if monotonic() >= next_world:
                next_world = monotonic() + WORLD_SECONDS
                yield _event("world", about_world(call))
            seen = journal.revision
            came = journal.news(since)
            known = [CallView(reader, one) for one in running if not one.is_gone]
            new = [CallView(reader, one) for one in came.entries]
            running = [view.entry for view in (*known, *new) if view.running]
            since = max(since, came.last)  # entries may be gone before they are read here
            position = running[0].number - 1 if running else since
            views = [*(view for view in known if not view.running), *new]
            for view in views:
                id = journal.id_of(min(view.number, position))
                yield _event("call", view.summary(), id)
            if attempts.revision > revision:
                revision, changed = attempts.changed_since(revision)
                for attempt in attempts_view(call, changed):
                    yield _event("delivery", attempt)
            if journal.closed and not views:
                return
            journal.wait_until(has_news, next_world - monotonic(), over)


def _event(name: str, data: Any, id: str | None = None) -> bytes:
    """Return one event; a client that reconnects names the last ``id`` that it got."""
    lines = [] if id is None else [f"id: {id}"]
    lines += [f"event: {name}", f"data: {json.dumps(data, separators=(',', ':'))}"]
    return "\n".join([*lines, "\n"]).encode()


def about_world(call: Call) -> dict[str, Any]:
    """Return what holds for the world as a whole at this moment."""
    world = call.world
    epoch = world.current_epoch
    return {
        "release": world.release.name,
        "dialect": world.dialect.name,
        "epoch": epoch.number,
        "webhook_requests": len(epoch.store),
        "clock": get_clock(call),
        "faults": sum(not one.over for one in epoch.faults.all()),
        "sends": epoch.sends,
    }
