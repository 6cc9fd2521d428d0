"""Records for tests of the store, and worlds of many."""

from typing import Any

from crmcom_kit.fixtures import world
from crmcom_kit.mock_server.store.records import Query, Record, State
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.world import World


def made(number: object, /, **values: Any) -> Record:
    """Make a record whose body names it."""
    defaults = {
        "id": f"id{number}",
        "number": str(number),
        "state": State.REJECTED,
        "definition": "D0",
        "rule": "R0",
        "entity": "ACTIVITIES",
        "entity_id": "E0",
        "url": "http://receiver/in",
        "created": 0,
        "body": f"body of {number}".encode("utf-8", "surrogatepass"),
        "data": None,
    }
    return Record(**{**defaults, **values})


def filled(*records: Record) -> Store:
    """Make a store that holds ``records``, the last one as the newest."""
    store = Store()
    store.insert(*records)
    return store


def every_record(world: World) -> tuple[bytes, ...]:
    """Return every record of a world, newest first."""
    every = Query(indexed=(("entity", frozenset(world.config.release.entities)),))
    return tuple(world.store.query(every))


def entries_like_one(count: int) -> tuple[list[dict[str, Any]], str]:
    """Return entries of a world with so many records that differ in id and number; its entity."""
    entries = list(world(count=1, release="R9"))
    record = entries.pop()["webhook_request"]["record"]
    for text in map(str, range(count)):
        new = {**record, "id": text, "number": text}
        entries.append({"webhook_request": {"record": new}})
    return entries, record["entity"]


def world_request(number: str = "1", /, **changes: Any) -> dict[str, Any]:
    """Return a webhook request of a world file, with its data."""
    record = {
        "id": f"id{number}",
        "number": number,
        "life_cycle_state": "REJECTED",
        "entity": "JOBS",
        "entity_id": "J1",
        "url": "http://receiver/in",
        "webhook_definition": {"id": "D1"},
        "workflow_rule": {"id": "R1"},
        "log_information": {"created_date": "2015-11-01T12:00:00"},
    }
    data = changes.pop("data", {"id": "J1", "number": number})
    return {"record": {**record, **changes}, "data": data}
