"""How much content a world may have besides what it started with."""

import threading
from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

import orjson

from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.reference_data import Object, ReferenceData
from crmcom_kit.usage_errors import LimitExceeded

#: Bytes of records and reference data, snapshots included: 250,000 usual webhook requests, of 2 KiB
#: each. What the files of --data and --state have is not counted, however much it is.
MAX_CONTENT = 512 * 1024 * 1024
_SNAPSHOT_ENTRY = 256  # bytes that a snapshot needs to refer to one record


class Content(NamedTuple):
    """The content of a world: its records, and what they refer to."""

    store: Store
    reference_data: ReferenceData


class ContentLimit:
    """Refuses what would be too much content for one world.

    It knows an upper bound: what it measured last, and all that was written since. If that is too
    much, it measures again, since records may be gone.
    """

    def __init__(
        self, given: Callable[[], list[Content]], snapshots: Callable[[], list[Content]]
    ) -> None:
        """Count nothing of what is ``given``, and what ``snapshots`` share only once."""
        self._given, self._snapshots = given, snapshots
        self._lock = threading.Lock()
        self._store: Store | None = None  # that was measured
        self._bytes = self._rewritten = 0

    def admit(self, more: int, held: Content) -> None:
        """Count ``more`` bytes that are to be added to ``held``. Raises LimitExceeded."""
        store = held.store
        with self._lock:
            bound = self._bytes + store.rewritten - self._rewritten + more
            if self._store is not store or bound > MAX_CONTENT:
                self._store, self._rewritten = store, store.rewritten
                self._bytes = self._size(held)
                bound = self._bytes + more
            check(bound)
            self._bytes += more

    def admit_snapshot(self, held: Content) -> None:
        """Count what a snapshot of ``held`` takes. Raises LimitExceeded."""
        self.admit(_SNAPSHOT_ENTRY * len(held.store), held)

    def _size(self, held: Content) -> int:
        """Return how many bytes ``held`` and the snapshots have that were not given."""
        seen = {id(one) for content in self._given() for one in _parts(content)}
        snapshots = self._snapshots()
        size = _SNAPSHOT_ENTRY * sum(len(content.store) for content in snapshots)
        for content in (held, *snapshots):
            for one in _parts(content):
                if id(one) not in seen:
                    seen.add(id(one))
                    size += size_of(one)
        return size


def _parts(content: Content) -> Iterator[Record | Object]:
    return chain(content.store.records(), content.reference_data.objects())


def check(size: int) -> None:
    """Raise LimitExceeded if a world would have that many bytes besides what it started with."""
    if size > MAX_CONTENT:
        allowed = (
            f"at most {MAX_CONTENT:,} bytes more than a world starts with, snapshots included; "
            "delete some, or start with --data"
        )
        raise LimitExceeded("content", seen=f"{size:,} bytes", allowed=allowed)


def size_of(one: Record | Object) -> int:
    """Return how many bytes count for a record, or for an object of the reference data."""
    return one.size if isinstance(one, Record) else len(orjson.dumps(one))
