"""Operations on all that a world holds: export, import, single records."""

from collections.abc import Iterator
from typing import Any

import orjson

from crmcom_kit.mock_server.admin.call import Call, Reply
from crmcom_kit.mock_server.store.records import Query, Record
from crmcom_kit.mock_server.world.export import exported, in_arrays
from crmcom_kit.mock_server.world.world_file import read_entries

JSON_LINES = "application/x-ndjson"
_TOGETHER = 65_536  # bytes that are sent at once


def get_state(call: Call) -> Any:
    """Write the whole world as the entries of a world file."""
    epoch = call.epoch
    if call.query["format"] == "json":
        return Reply(_joined(in_arrays(epoch)), content_type="application/json")
    lines = (entry + b"\n" for _, entry in exported(epoch))
    return Reply(_joined(lines), content_type=JSON_LINES)


def _joined(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the parts in chunks that are worth sending."""
    waiting, size = [], 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size >= _TOGETHER:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def put_state(call: Call) -> Any:
    """Begin an epoch with the entries of a world file in the place of all that is there."""
    assert call.stream is not None, "the document says that it is streamed"  # noqa: S101
    entries = read_entries(call.stream, call.world.release, place="body")
    by_age = call.query["order"] == "created"
    epoch = call.world.fill(entries, by_age=by_age, begun=call.epoch)
    return {"epoch": epoch.number, "webhook_requests": len(epoch.store)}


def get_records(call: Call) -> Any:
    """List webhook requests, newest first, with what is kept beside them."""
    query = call.query
    store = call.epoch.store
    if "number" in query:
        record = store.get("number", query["number"])
        found = [] if record is None or not _fits(record, query) else [record]
        page = found[query["offset"] : query["offset"] + query["limit"]]
        return {"records": list(map(_entry, page)), "more": False}
    wanted = Query(
        indexed=(("entity", frozenset({query["entity"]})),) if "entity" in query else (),
        states=frozenset({query["state"]}) if "state" in query else None,
        offset=query["offset"],
        limit=query["limit"] + 1,
    )
    bodies = store.query(wanted)
    ids = (orjson.loads(body)["id"] for body in bodies[: query["limit"]])
    records = (store.get("id", one) for one in ids)  # None where it was deleted meanwhile
    entries = [_entry(record) for record in records if record is not None]
    return {"records": entries, "more": len(bodies) > query["limit"]}


def _fits(record: Record, query: dict[str, Any]) -> bool:
    body = orjson.loads(record.body)
    names = {"entity": "entity", "state": "life_cycle_state"}
    return all(body[names[name]] == query[name] for name in names if name in query)


def _entry(record: Record) -> dict[str, Any]:
    data = None if record.data is None else orjson.loads(record.data)
    return {"record": orjson.loads(record.body), "data": data}


def post_records(call: Call) -> Any:
    """Add the entries of a world file to what is there."""
    assert call.stream is not None, "the document says that it is streamed"  # noqa: S101
    entries = read_entries(call.stream, call.world.release, place="body")
    added = call.world.add(entries, begun=call.epoch)
    return {"added": added, "webhook_requests": len(call.epoch.store)}


OPERATIONS = {
    "getState": get_state,
    "putState": put_state,
    "getRecords": get_records,
    "postRecords": post_records,
}
