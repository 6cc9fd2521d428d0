"""Operations on the content of a world: export, import, records, seed data, snapshots, reset."""

from datetime import datetime, time
from typing import Any

import orjson

from crmcom_kit.fixtures import FixtureError
from crmcom_kit.mock_server.admin.call import Call, Reply
from crmcom_kit.mock_server.protocol.filters import seconds
from crmcom_kit.mock_server.protocol.response import chunked
from crmcom_kit.mock_server.store.records import Indexed, Query, Record
from crmcom_kit.mock_server.world.changes import (
    add_reference,
    change_record,
    record_named,
    remove_record,
)
from crmcom_kit.mock_server.world.export import exported, in_arrays
from crmcom_kit.mock_server.world.generation import add_partial, generated, generated_more
from crmcom_kit.mock_server.world.reference_data import named
from crmcom_kit.mock_server.world.snapshot_changes import RecordChange, changes_since
from crmcom_kit.mock_server.world.world_file import DataError, read_entries
from crmcom_kit.schemas.formats import parse_date, parse_date_time
from crmcom_kit.usage_errors import UsageError

JSON_LINES = "application/x-ndjson"
#: Members of a seed call that are dates → the generator's names for them, and their time of day.
_DATES = {"from": ("date_from", time.min), "to": ("date_to", time(23, 59, 59))}


def get_state(call: Call) -> Any:
    """Export the world as the entries of a world file."""
    epoch = call.epoch
    if call.query["format"] == "json":
        return Reply(chunked(in_arrays(epoch)), content_type="application/json")
    lines = (entry + b"\n" for _, entry in exported(epoch))
    return Reply(chunked(lines), content_type=JSON_LINES)


def put_state(call: Call) -> Any:
    """Replace the content with the entries of a world file; this begins a new epoch."""
    entries = read_entries(call.stream, call.world.release, place="body")
    by_age = call.query["order"] == "created"
    epoch = call.world.replace_content(entries, by_age=by_age, expected_epoch=call.epoch)
    return {"epoch": epoch.number, "webhook_requests": len(epoch.store)}


def get_records(call: Call) -> Any:
    """List webhook requests, with the entity data kept for each."""
    query = _query(call)
    records, total = call.epoch.store.page(query)
    return {
        "records": list(map(_entry, records)),
        "more": query.offset + len(records) < total,
        "total": total,
    }


def _query(call: Call) -> Query:
    """Return what a list of records asks of the store. Raises UsageError, NotFound."""
    asked, data = call.query, call.epoch.reference_data
    indexed: list[Indexed] = [
        (name, frozenset({asked[name]})) for name in ("entity", "entity_id") if name in asked
    ]
    if "definition" in asked:
        found = named(data.definitions, "definition", asked["definition"])
        indexed.append(("definition", frozenset({found["id"]})))
    if "rule" in asked:
        found = named(data.rules, "rule", asked["rule"])
        indexed.append(("rule", frozenset({found["id"]})))
    url = asked.get("url")
    return Query(
        indexed=tuple(indexed),
        number=_number(call),
        url=None if url is None else lambda seen: url in seen,
        states=frozenset({asked["state"]}) if "state" in asked else None,
        created_from=_created(asked, "created_from", time.min),
        created_before=_created(asked, "created_to", time(23, 59, 59), 1),
        newest_first=asked["sort"] == "newest",
        offset=asked["offset"],
        limit=asked["limit"],
    )


def _number(call: Call) -> str | None:
    """Return the number of the webhook request that the list is limited to, if it is."""
    asked: str | None = call.query.get("record")
    found = None if asked is None else call.epoch.store.get("id", asked)
    return asked if found is None else found.number


def _created(asked: dict[str, Any], name: str, at: time, later: int = 0) -> int | None:
    """Return the second that a date names, or ``later`` ones; a mere date is ``at`` that time."""
    return seconds(_date_time(name, asked[name], at)) + later if name in asked else None


def _entry(record: Record) -> dict[str, Any]:
    data = None if record.data is None else orjson.loads(record.data)
    return {"record": orjson.loads(record.body), "data": data}


def post_records(call: Call) -> Any:
    """Add the entries of a world file to the content, with what their records lack."""
    entries = read_entries(call.stream, call.world.release, place="body", may_lack=True)
    added = add_partial(call.epoch, call.world, entries, call.query.get("index"))
    return {
        "added": added.records,
        "webhook_requests": len(call.epoch.store),
        "filled_in": list(map(_entry, added.filled_in)),
    }


def get_record(call: Call) -> Any:
    """Return one webhook request, with the entity data kept for it."""
    return _entry(record_named(call.epoch, call.path["record"]))


def patch_record(call: Call) -> Any:
    """Change members of a webhook request."""
    return _entry(change_record(call.world, call.epoch, call.path["record"], call.body))


def delete_record(call: Call) -> Any:
    """Remove a webhook request."""
    return _entry(remove_record(call.epoch, call.path["record"]))


def get_definitions(call: Call) -> Any:
    """List the webhook definitions."""
    return {"definitions": list(call.epoch.reference_data.definitions)}


def post_definitions(call: Call) -> Any:
    """Add a webhook definition."""
    return add_reference(call.world, call.epoch, "webhook_definition", call.body)


def get_rules(call: Call) -> Any:
    """List the workflow rules."""
    return {"rules": list(call.epoch.reference_data.rules)}


def post_rules(call: Call) -> Any:
    """Add a workflow rule."""
    return add_reference(call.world, call.epoch, "workflow_rule", call.body)


def seed(call: Call) -> Any:
    """Replace the content with generated data, or add generated data to it."""
    knobs = {"seed": call.world.config.seed, "count": 200, **(call.body or {})}
    adds, scenario = knobs.pop("add", False), knobs.pop("scenario", None)
    if adds and scenario is not None:
        allowed = "false with a scenario, which is a whole world"
        raise UsageError("add", seen="true with a scenario", allowed=allowed)
    for name, (knob, at) in _DATES.items():
        if name in knobs:
            knobs[knob] = _date_time(name, knobs.pop(name), at)
    epoch = call.epoch
    try:
        if adds:
            count, start = knobs.pop("count"), knobs.pop("start", None)
            added = call.world.add_built_for(
                lambda epoch: list(generated_more(epoch, count, start, knobs)), expected_epoch=epoch
            )
        else:
            entries = generated(call.world, scenario, knobs)
            epoch = call.world.replace_content(entries, expected_epoch=epoch)
            added = len(epoch.store)
    except FixtureError as error:
        text = str(error)
        for name, (knob, _) in _DATES.items():
            text = text.replace(knob, name)
        raise DataError(text) from None
    return {"epoch": epoch.number, "added": added, "webhook_requests": len(epoch.store)}


def _date_time(name: str, text: str, at: time) -> datetime:
    try:
        return parse_date_time(text) if "T" in text else datetime.combine(parse_date(text), at)
    except ValueError:
        allowed = "a valid date, yyyy-MM-dd or yyyy-MM-ddTHH:mm:ss"
        raise UsageError(name, seen=text, allowed=allowed) from None


def reset(call: Call) -> Any:
    """Go back to the initial content; tokens from logins stay valid."""
    epoch = call.world.reset()
    return {"epoch": epoch.number, "webhook_requests": len(epoch.store)}


def list_snapshots(call: Call) -> Any:
    """List the snapshots of the world."""
    saved = call.world.snapshots().items()
    return {"snapshots": [{"name": name, "webhook_requests": count} for name, count in saved]}


def save_snapshot(call: Call) -> Any:
    """Save the current content under a name."""
    name = call.path["name"]
    return {"name": name, "webhook_requests": call.world.save(name)}


def restore_snapshot(call: Call) -> Any:
    """Replace the content with a snapshot; this begins a new epoch."""
    epoch = call.world.restore(call.path["name"], expected_epoch=call.epoch)
    return {"epoch": epoch.number, "webhook_requests": len(epoch.store)}


def get_snapshot_changes(call: Call) -> Any:
    """Compare the content with a snapshot."""
    limit = call.query["limit"]
    found = changes_since(call.world, call.path["name"], limit + 1)
    return {"changes": list(map(_change, found[:limit])), "more": len(found) > limit}


def _change(change: RecordChange) -> dict[str, Any]:
    return {
        "webhook_request": {"id": change.id, "number": change.number},
        "change": change.change,
        "fields": [one._asdict() for one in change.fields],
        "call": change.call,
    }


def delete_snapshot(call: Call) -> Any:
    """Delete a snapshot."""
    call.world.forget(call.path["name"])
    return list_snapshots(call)
