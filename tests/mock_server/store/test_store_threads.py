"""Many threads in one store: no record is lost or doubled, and queries see one moment."""

from functools import partial
from random import Random
from time import sleep

import pytest
from helpers.records import made
from helpers.threads import at_once

from crmcom_kit.mock_server.store.life_cycle import Event as Happening
from crmcom_kit.mock_server.store.life_cycle import WrongState
from crmcom_kit.mock_server.store.records import DuplicateRecord, Query, Record
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.ids import Ids

pytestmark = pytest.mark.usefixtures("hurried")

THREADS = 64
EVERYTHING = Query()
SUCCESSFUL = Query(states=frozenset({"SUCCESSFUL"}))


class SlowText(str):
    """A text that lets another thread go first whenever it is looked up."""

    __slots__ = ()

    def __hash__(self) -> int:
        sleep(0)
        return super().__hash__()


def rejected(name: str, number: str) -> Record:
    """Make a rejected record; entity ids come and go with their few records."""
    return made(
        number,
        number=SlowText(number),
        id=SlowText(name),
        entity=("JOBS", "ACTIVITIES")[int(number) % 2],
        entity_id=SlowText(f"E{int(number) // 3}"),
        body=number.encode(),
    )


class StoreWork:
    """What many threads do to one store, and which of it was taken."""

    def __init__(self) -> None:
        self.store = Store()
        self.ids = Ids(0)
        self.inserted: list[str] = []
        self.deleted: list[str] = []
        self.sent: list[str] = []

    def insert(self, number: str) -> None:
        """Insert a record with a number that others may have, too."""
        try:
            self.store.insert(rejected(self.ids.next("record"), number))
        except DuplicateRecord:
            return
        self.inserted.append(number)

    def delete(self, number: str) -> None:
        """Delete the record of that number."""
        if self.store.delete("number", number) is not None:
            self.deleted.append(number)

    def resend(self, number: str) -> None:
        """Send a record as resend does, in two transitions."""
        record = self.store.get("number", number)
        try:
            if record is None or self.store.transition(record.id, Happening.RESEND) is None:
                return
            if self.store.transition(record.id, Happening.DELIVERED) is not None:
                self.sent.append(number)
        except WrongState:
            return

    def query(self, number: str) -> None:
        """Fail where an answer has a record twice, of the store or of a copy that shares it."""
        stores = self.store, self.store.copy()
        entities = frozenset({"JOBS", "ACTIVITIES"})
        query = Query(indexed=(("entity", entities),), newest_first=False)
        found = stores[int(number) % 2].query(query)
        assert len(set(found)) == len(found)

    def some(self, seed: int) -> None:
        """Do sixty of these things."""
        draw = Random(seed)
        for _ in range(60):
            do = draw.choice([self.insert, self.delete, self.resend, self.query])
            do(str(draw.randrange(300)))


def test_a_store_loses_and_doubles_nothing() -> None:
    """64 threads insert, delete, resend and query: what is left is what was put there once."""
    work = StoreWork()
    at_once([partial(work.some, seed) for seed in range(THREADS)])
    store = work.store

    for taken in (work.inserted, work.deleted, work.sent):
        assert taken
        assert len(set(taken)) == len(taken)
    left = set(work.inserted) - set(work.deleted)
    found = [number.decode() for number in store.query(EVERYTHING)]
    assert sorted(found) == sorted(left)
    assert len(store) == len(left)
    assert {n.decode() for n in store.query(SUCCESSFUL)} == set(work.sent) & left
    for number in found:
        record = store.get("number", number)
        assert record is not None
        assert store.get("id", record.id) == record
        entity_id = frozenset({record.entity_id})
        assert record.body in store.query(Query(indexed=(("entity_id", entity_id),)))
