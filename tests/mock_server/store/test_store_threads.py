"""Many threads in one store: no record is lost or doubled, and queries see one moment."""

from collections import Counter
from contextlib import suppress
from functools import partial
from itertools import chain
from random import Random
from time import sleep

import pytest
from helpers.records import made
from helpers.threads import at_once

from crmcom_kit.mock_server.store.records import DuplicateRecord, Query, Record, WrongState
from crmcom_kit.mock_server.store.records import Event as Happening
from crmcom_kit.mock_server.store.store import Store

pytestmark = pytest.mark.usefixtures("hurried")

THREADS = 64
ENTITIES = ("JOBS", "ACTIVITIES")
DEEDS = ("insert", "delete", "resend", "query")
EVERYTHING = Query()
SUCCESSFUL = Query(states=frozenset({"SUCCESSFUL"}))


class SlowText(str):
    """A text that lets another thread go first whenever it is looked up."""

    __slots__ = ()

    def __hash__(self) -> int:
        sleep(0)
        return super().__hash__()


def rejected(name: str, number: str) -> Record:
    return made(
        number,
        number=SlowText(number),
        id=SlowText(name),
        entity=ENTITIES[int(number) % 2],
        entity_id=SlowText(f"E{int(number) // 3}"),
        body=number.encode(),
    )


def is_done(store: Store, what: str, number: str, own_id: str) -> bool:
    """Try to do something with the record of a number; return whether it was done."""
    match what:
        case "insert":
            with suppress(DuplicateRecord):
                store.insert(rejected(own_id, number))
                return True
        case "delete":
            return store.delete("number", number) is not None
        case "resend":
            record = store.get("number", number)
            with suppress(WrongState):
                if record is None or store.transition(record.id, Happening.RESEND) is None:
                    return False
                return store.transition(record.id, Happening.DELIVERED) is not None
        case _:
            bodies = store.copy().query(Query(indexed=(("entity", frozenset(ENTITIES)),)))
            assert len(set(bodies)) == len(bodies)
    return False


def work(store: Store, seed: int) -> list[tuple[str, str]]:
    """Try sixty things; return which were done."""
    draw = Random(seed)
    tried = [(draw.choice(DEEDS), str(draw.randrange(300)), f"{seed}/{at}") for at in range(60)]
    return [(what, number) for what, number, own in tried if is_done(store, what, number, own)]


def test_a_store_loses_and_doubles_nothing() -> None:
    """64 threads insert, delete, resend and query: what is left is what was put there once."""
    store = Store()
    done = Counter(chain(*at_once([partial(work, store, seed) for seed in range(THREADS)])))
    inserted, deleted, sent = (
        {number for what, number in done if what == deed} for deed in DEEDS[:3]
    )

    assert set(done.values()) == {1}
    assert all((inserted, deleted, sent))
    left = inserted - deleted
    numbers = [number.decode() for number in store.query(EVERYTHING)]
    assert sorted(numbers) == sorted(left)
    assert len(store) == len(left)
    assert {n.decode() for n in store.query(SUCCESSFUL)} == sent & left
    for number in numbers:
        record = store.get("number", number)
        assert record is not None
        assert store.get("id", record.id) == record
        entity_id = frozenset({record.entity_id})
        assert record.body in store.query(Query(indexed=(("entity_id", entity_id),)))
