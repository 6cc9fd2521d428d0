"""One record of a store, and a query for many."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from crmcom_kit.mock_server.store.life_cycle import State

_OVERHEAD = 512  # bytes of a record besides its content
Key = Literal["id", "number"]
KEYS: tuple[Key, ...] = ("id", "number")
IndexedField = Literal["definition", "rule", "entity", "entity_id"]
Indexed = tuple[IndexedField, frozenset[str]]  # a field and its matching values


def key_of(field: str) -> Key:
    """Return the key of a record for a field of an identifier: id or number."""
    return "number" if field == "number" else "id"


class Record(NamedTuple):
    """One webhook request: the values that find it, and its bytes."""

    id: str
    number: str
    state: State
    definition: str  # the id of its webhook definition
    rule: str  # the id of its workflow rule
    entity: str
    entity_id: str
    url: str
    created: int | None  # created_date in seconds since 1970, read as if it were UTC
    body: bytes  # the JSON object that responses carry
    data: bytes | None  # the JSON object that is delivered
    is_recorded: bool = False  # True: it comes from an instance; no dialect changes its form

    @property
    def size(self) -> int:
        """The bytes that it counts for."""
        return len(self.body) + len(self.data or b"") + len(self.url) + _OVERHEAD


class SortKey(NamedTuple):
    """One key of an order of records."""

    value: Callable[[Record], Any]
    is_down: bool  # True: descending


class Query(NamedTuple):
    """The conditions for records, their order, and the page to return.

    ``indexed`` has fields and their matching values: all fields must match, or with
    ``any_of_indexed`` one of them. All other conditions must be met as well. ``states`` are those
    of responses: a record that is being sent is REJECTED.
    """

    indexed: tuple[Indexed, ...] = ()
    any_of_indexed: bool = False
    url: Callable[[str], bool] | None = None  # returns True for matching URLs
    states: frozenset[str] | None = None
    created_from: int | None = None
    created_before: int | None = None
    newest_first: bool = True
    order: tuple[SortKey, ...] = ()  # records with equal keys are sorted by age
    offset: int = 0
    limit: int | None = None


class DuplicateRecord(Exception):
    """A record has an id or a number that the store has or had already; nothing has changed."""

    def __init__(self, message: str, record: Record) -> None:
        """Set the ``record`` that cannot be inserted."""
        super().__init__(message)
        self.record = record
