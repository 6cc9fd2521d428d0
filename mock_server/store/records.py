"""The records of one world: what a store keeps, and the protocol by which it is asked.

A record is the bytes that an answer carries, the data object that was sent, and a row of the values
it can be found by. Whatever a method does with the store is one atomic call. ``memory_store`` has
the store that worlds use.
"""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, Protocol

from crmcom_kit.mock_server.store.life_cycle import Event, State

Key = Literal["id", "number"]
KEYS: tuple[Key, ...] = ("id", "number")
IndexedField = Literal["definition", "rule", "entity", "entity_id"]
INDEXED: tuple[IndexedField, ...] = ("definition", "rule", "entity", "entity_id")
Indexed = tuple[IndexedField, frozenset[str]]  # a field and the values that fit


class Row(NamedTuple):
    """The values by which a record is found."""

    id: str
    number: str
    state: State
    definition: str
    rule: str
    entity: str
    entity_id: str
    url: str
    created: int | None  # seconds since 1970 of created_date, read as if it were UTC

    def moved(self, state: State) -> "Row":
        """Return this row with another state."""
        return Row(self.id, self.number, state, *self[3:])


class Record(NamedTuple):
    """One record: its row, the bytes an answer carries, and the data object that was sent."""

    row: Row
    body: bytes
    data: bytes | None


class DuplicateRecord(Exception):
    """An id or number that the store has or had already; nothing has changed."""


class Query(NamedTuple):
    """Which records to find, in which order, and which page of them.

    ``indexed`` gives the values of fields, all of which must fit, or any of which; without one
    every record fits. All other conditions must hold besides. ``states`` are as answers show them:
    a record that is being sent is still REJECTED.

    A tuple, since one is made for every call of list, and a data class takes longer to make than a
    page to find.
    """

    indexed: tuple[Indexed, ...]
    any_of_indexed: bool = False
    url: Callable[[str], bool] | None = None
    states: frozenset[str] | None = None
    created_from: int | None = None
    created_before: int | None = None
    newest_first: bool = True
    offset: int = 0
    limit: int | None = None


def shown_state(state: State) -> State:
    """Return the state that answers show: a record that is being sent is still REJECTED."""
    return State.REJECTED if state is State.SENDING else state


class Store(Protocol):
    """What a world needs of the place where its records are. Every call is atomic."""

    def __len__(self) -> int:
        """How many records there are."""
        ...

    def body(self, key: Key, value: str) -> bytes | None:
        """Return the body of the record with that id or number: all that showing it takes."""
        ...

    def get(self, key: Key, value: str) -> Record | None:
        """Return the record with that id or number."""
        ...

    def ever_existed(self, key: Key, value: str) -> bool:
        """Whether there is, or was until it was deleted, a record with that id or number."""
        ...

    def query(self, query: Query) -> list[bytes]:
        """Return the bodies of the records that ``query`` finds, all of one moment."""
        ...

    def records(self) -> Iterator[Record]:
        """Go through all records as they are at this moment, oldest first."""
        ...

    def largest_number(self) -> int:
        """Return the largest number that a record has or had; 0 where there is none."""
        ...

    def insert(self, *records: Record) -> None:
        """Add ``records`` as the newest, in their order: all of them or none.

        Raises DuplicateRecord; deleted records count, too.
        """
        ...

    def transition(
        self, record_id: str, event: Event, change: Callable[[Record], Record] | None = None
    ) -> Record | None:
        """Let ``event`` happen to a record, changed by ``change``; None where there is none.

        ``change`` runs under the lock: it must be quick, may not touch the store, and keeps
        id, number and indexed fields. Where it or this method raises, nothing has changed. Raises
        WrongState.
        """
        ...

    def delete(self, key: Key, value: str) -> Record | None:
        """Remove the record with that id or number and return it as it last was."""
        ...

    def snapshot(self) -> object:
        """Return the whole content, to be given to ``restore``.

        A record that is on its way is in it as REJECTED: its delivery belongs to the present.
        """
        ...

    def restore(self, snapshot: object) -> "Store":
        """Return a store of its own with a content that ``snapshot`` returned.

        This one stays as it is: whatever still runs on it cannot write into the other.
        """
        ...
