"""Records for tests of the store."""

from typing import Any

from crmcom_kit.mock_server.store.life_cycle import State
from crmcom_kit.mock_server.store.memory_store import MemoryStore
from crmcom_kit.mock_server.store.records import Record, Row


def made(number: object, /, **values: Any) -> Record:
    """Make a record whose body names it."""
    row = {
        "id": f"id{number}",
        "number": str(number),
        "state": State.REJECTED,
        "definition": "D0",
        "rule": "R0",
        "entity": "ACTIVITIES",
        "entity_id": "E0",
        "url": "http://receiver/in",
        "created": 0,
    }
    return Record(
        Row(**{**row, **values}), f"body of {number}".encode("utf-8", "surrogatepass"), None
    )


def filled(*records: Record) -> MemoryStore:
    """Make a store that holds ``records``, the last one as the newest."""
    store = MemoryStore()
    for record in records:
        store.insert(record)
    return store
