"""The store, call by call: what each condition selects, what is refused, what comes back."""

from typing import Any

import pytest
from helpers.records import filled, made

from crmcom_kit.mock_server.store.life_cycle import Event, State
from crmcom_kit.mock_server.store.records import KEYS, DuplicateRecord, Key, Query, Record


@pytest.mark.parametrize(
    ("conditions", "numbers"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"created_from": 0}, [4, 3, 2]),
        ({"created_from": 10}, [4, 3]),
        ({"created_before": 10}, [2, 1]),
        ({"created_from": -5, "created_before": 0}, [1]),
        ({"created_from": 10, "created_before": 11}, [4, 3]),
        ({"url": lambda url: url == "http://4"}, [4]),
        ({"states": frozenset({"SUCCESSFUL"})}, [3]),
        ({"states": frozenset({"REJECTED"})}, [4, 2, 1, 0]),
        ({"states": frozenset({"REJECTED", "SUCCESSFUL"})}, [4, 3, 2, 1, 0]),
        ({"states": frozenset()}, []),
        ({"newest_first": False}, [0, 1, 2, 3, 4]),
        ({"offset": 1, "limit": 2}, [3, 2]),
        ({"offset": 4, "limit": 2}, [0]),
        ({"offset": 5}, []),
        ({"offset": 10**18, "limit": 10**18}, []),
        ({"limit": 0}, []),
        ({"limit": 5}, [4, 3, 2, 1, 0]),
    ],
)
def test_each_condition_selects(conditions: dict[str, Any], numbers: list[int]) -> None:
    """Spans include their beginning and not their end; a record without date is in no span."""
    created = [None, -5, 0, 10, 10]
    store = filled(*(made(n, created=c, url=f"http://{n}") for n, c in enumerate(created)))
    store.transition("id3", Event.RESEND)
    store.transition("id3", Event.DELIVERED)
    store.transition("id2", Event.RESEND)  # and is still on its way

    found = store.query(Query(indexed=(("entity", frozenset({"ACTIVITIES"})),), **conditions))
    assert found == [b"body of %d" % number for number in numbers]


@pytest.mark.parametrize("key", KEYS)
def test_what_a_deleted_record_had_is_never_taken_again(key: Key) -> None:
    """Neither the id nor the number of a deleted record is taken again, with any other key."""
    store = filled(made(7))
    store.delete("number", "7")
    again = made(8, **{key: getattr(made(7).row, key)})

    with pytest.raises(DuplicateRecord, match=f"{key}: .*7 was there already"):
        store.insert(again)
    assert len(store) == 0
    store.insert(made(8))


@pytest.mark.parametrize("key", KEYS)
def test_what_a_record_has_is_not_taken_twice(key: Key) -> None:
    """A second record with an id or number that is there is refused, and nothing has changed."""
    store = filled(made(7))

    with pytest.raises(DuplicateRecord, match=f"{key}: .*7 is there already"):
        store.insert(made(8, **{key: getattr(made(7).row, key)}))
    assert store.query(Query(indexed=())) == [b"body of 7"]
    assert store.get("number", "8") is None
    assert store.get("id", "id8") is None


def test_restoring_forgets_what_was_deleted_since() -> None:
    """Back at an earlier content, a number deleted since is there, and one not yet there is new."""
    store = filled(made(7))
    snapshot = store.snapshot()
    store.delete("id", "id7")
    store.insert(made(8))
    store.delete("id", "id8")
    again = store.restore(snapshot)

    assert again.get("number", "7") == made(7)
    again.insert(made(8))
    assert store.restore(snapshot).query(Query(indexed=())) == [b"body of 7"]
    assert store.query(Query(indexed=())) == []


def test_stores_that_share_a_content_change_alone() -> None:
    """What one store writes, those that began with the same snapshot do not see, nor it theirs."""
    first = filled(made(7))
    snapshot = first.snapshot()
    second, third = first.restore(snapshot), first.restore(snapshot)
    first.delete("id", "id7")
    second.insert(made(8))

    assert [len(store) for store in (first, second, third)] == [0, 2, 1]
    assert third.get("number", "7") == made(7)


def test_several_records_are_added_together_or_not_at_all() -> None:
    """Where one of them is there already, or twice among them, none is added."""
    store = filled(made(7))
    for several in ([made(8), made(7)], [made(8), made(8)]):
        with pytest.raises(DuplicateRecord):
            store.insert(*several)
        assert len(store) == 1
    store.insert(made(8), made(9))
    assert store.query(Query(indexed=())) == [b"body of 9", b"body of 8", b"body of 7"]


def test_a_record_on_its_way_is_restored_as_rejected() -> None:
    """A delivery belongs to the present: no content that is restored waits for one for ever."""
    store = filled(made(7))
    store.transition("id7", Event.RESEND)
    snapshot = store.snapshot()
    now = store.get("number", "7")
    restored = store.restore(snapshot).get("number", "7")

    assert now is not None
    assert restored is not None
    assert (now.row.state, restored.row.state) == (State.SENDING, State.REJECTED)


def test_a_moment_beyond_64_bits_changes_nothing() -> None:
    """A record whose date the store cannot keep is refused whole."""
    store = filled(made(7))

    with pytest.raises(OverflowError):
        store.insert(made(8, created=2**63))
    with pytest.raises(OverflowError):
        store.transition(
            "id7", Event.RESEND, lambda had: had._replace(row=had.row._replace(created=2**63))
        )
    assert store.query(Query(indexed=())) == [b"body of 7"]
    assert store.get("number", "7") == made(7)
    store.insert(made(8))


def test_only_a_snapshot_is_restored() -> None:
    """Anything but a store's own snapshot is refused, and nothing has changed."""
    store = filled(made(7))

    with pytest.raises(TypeError, match="list is not a snapshot of a MemoryStore"):
        store.restore([made(8)])
    assert len(store) == 1


def test_a_change_that_fails_changes_nothing() -> None:
    """Where the change of a transition raises, state and record are what they were."""
    store = filled(made(7))

    def change(_: Record) -> Record:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.transition("id7", Event.RESEND, change)
    assert store.get("number", "7") == made(7)
    assert store.get("id", "id7") == made(7)


def test_keys_may_be_any_text() -> None:
    """Ids and numbers are texts: empty, beyond ASCII, unpaired surrogates, with leading zeros."""
    texts = ["", "7", "07", " 7", "Ω", "\ud800", "id=7", "x" * 10_000, "9" * 10_000]
    store = filled(*(made(text) for text in texts))

    for text in texts:
        assert store.get("number", text) == made(text)
    assert store.get("number", "0") is None
