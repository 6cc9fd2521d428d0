"""The content of one epoch: a lock around records, which other stores may share until a write."""

import threading
from collections.abc import Callable, Iterable, Iterator

from crmcom_kit.mock_server.store.contents import Contents
from crmcom_kit.mock_server.store.life_cycle import Event, State, after
from crmcom_kit.mock_server.store.records import Key, Query, Record
from crmcom_kit.mock_server.store.reference_data import ReferenceData

#: Is called before each change of a store, under its lock, with records that are new or will be
#: different, those that will be gone, and what takes the place of the reference data, if anything.
#: If it raises, nothing changes.
Listener = Callable[[Iterable[Record], Iterable[Record], ReferenceData | None], None]


def _ignore(*_: object) -> None:
    """Do nothing: nobody listens."""


class Store:
    """Webhook requests, and the reference data that they refer to. Every call is atomic.

    Copying takes the same time for any number of records: both stores share the contents, and the
    first one that is written to copies them.
    """

    def __init__(self) -> None:
        """Start empty."""
        #: Never changed, but replaced as a whole.
        self.reference_data = ReferenceData()
        self._lock = threading.Lock()
        self._contents = Contents()
        self._shared = False  # True if other stores share the contents; do not change them then
        # The positions of the records whose delivery runs. They are not in the contents, where
        # these records stay REJECTED: a delivery belongs to the store that it began in.
        self._sending: set[int] = set()
        self._listener: Listener = _ignore

    def listen(self, listener: Listener, start: Callable[["Store"], None]) -> None:
        """Call ``start`` with a copy, and ``listener`` before each change of what the copy has.

        Nothing changes while ``start`` runs, which may not use this store. If it raises, the
        listener stays the one before.
        """
        with self._lock:
            start(self._copy())
            self._listener = listener

    def copy(self) -> "Store":
        """Return a copy; records being sent here are REJECTED in it."""
        with self._lock:
            return self._copy()

    def _copy(self) -> "Store":
        copy = Store()
        self._shared = copy._shared = True
        copy._contents = self._contents
        copy.reference_data = self.reference_data
        return copy

    def _writable(self) -> Contents:
        """Return contents that no other store shares; copy them if needed."""
        if self._shared:
            self._contents = self._contents.copy()
            self._shared = False
        return self._contents

    def _record(self, position: int | None) -> Record | None:
        """Return the record at ``position``, as it is in this store."""
        if position in self._sending:
            return self._contents.records[position]._replace(state=State.SENDING)
        return None if position is None else self._contents.records.get(position)

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._contents.records)

    @property
    def size(self) -> int:
        """How many bytes its records and its reference data count for."""
        return self._contents.size + self.reference_data.size

    def get(self, key: Key, value: str) -> Record | None:
        """Return the record with that id or number; None if there is none."""
        with self._lock:
            return self._record(self._contents.positions[key].get(value))

    def ever_existed(self, key: Key, value: str) -> bool:
        """Return True if a record has that id or number, or had it until it was deleted."""
        return value in self._contents.positions[key]

    def find(self, query: Query) -> list[Record]:
        """Return the records that ``query`` finds, all as they are at one moment."""
        with self._lock:
            return list(self._contents.find(query))

    def query(self, query: Query) -> list[bytes]:
        """Return the bodies of the records that ``query`` finds."""
        return [record.body for record in self.find(query)]

    def records(self) -> Iterator[Record]:
        """Return all records as they are at this moment, oldest first."""
        with self._lock:
            self._shared = True  # so that a write copies what is read
            return iter(self._contents.records.values())

    def largest_number(self) -> int:
        """Return the largest whole number that a record has or had; 0 if there is none."""
        return self._contents.largest_number

    def newest(self) -> float:
        """Return when the newest record, deleted or not, was created, in seconds since 1970.

        It is -inf if none has a date.
        """
        return self._contents.newest

    def deleted(self) -> list[tuple[str, str]]:
        """Return id and number of each record that was deleted."""
        with self._lock:
            return self._contents.deleted()

    def insert(self, *records: Record, reference_data: ReferenceData | None = None) -> None:
        """Add ``records`` as the newest, in their order, and replace the reference data, if given.

        Raises DuplicateRecord, and adds none; deleted records count, too.
        """
        with self._lock:
            self._contents.check_new(records)
            self._listener(records, (), reference_data)
            self.reference_data = reference_data or self.reference_data
            self._writable().add(records)

    def insert_deleted(self, ids_and_numbers: Iterable[tuple[str, str]]) -> None:
        """Let ids and numbers count as those of deleted records; the listener is not called."""
        with self._lock:
            self._writable().add_deleted(ids_and_numbers)

    def transition(
        self, record_id: str, event: Event, change: Callable[[Record], Record] | None = None
    ) -> Record | None:
        """Let ``event`` happen to a record, and return it as it is then; None if there is none.

        The life cycle's table says what state the event leads to. ``change`` returns what the
        record becomes otherwise, with the same id and number. It runs under the lock: it must be
        quick and may not use the store.

        Raises:
            WrongState: the record's state does not allow it. Nothing has changed then, nor has it
                if ``change`` raises.
        """
        with self._lock:
            position = self._contents.positions["id"].get(record_id)
            record = self._record(position)
            if position is None or record is None:
                return None
            state = after(record.state, event)
            changed = record if change is None else change(record)
            kept = changed._replace(state=state.shown)
            if kept != self._contents.records[position]:
                self._listener((kept,), (), None)
                self._writable().replace(position, kept)
            if state is State.SENDING:
                self._sending.add(position)
            else:
                self._sending.discard(position)
            return changed._replace(state=state)

    def replace(self, before: Record, record: Record, reference_data: ReferenceData) -> bool:
        """Put ``record``, of the same id and number, in place of ``before``.

        Returns False if the store does not have ``before`` as it is; nothing has changed then.
        """
        with self._lock:
            position = self._contents.positions["id"].get(before.id)
            if position is None or self._record(position) != before:
                return False
            self._listener((record,), (), reference_data)
            self.reference_data = reference_data
            self._writable().replace(position, record)
            return True

    def delete(self, key: Key, value: str) -> Record | None:
        """Remove the record with that id or number, and return it as it last was."""
        with self._lock:
            position = self._contents.positions[key].get(value)
            record = self._record(position)
            if position is not None and record is not None:
                self._listener((), (record,), None)
                self._writable().remove(position)
                self._sending.discard(position)
            return record
