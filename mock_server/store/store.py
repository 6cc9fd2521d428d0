"""The content of one epoch: records and their lock. Stores may share records until a write."""

import threading
from collections.abc import Callable, Iterable, Iterator

from crmcom_kit.mock_server.store.contents import Contents
from crmcom_kit.mock_server.store.records import Event, Key, Query, Record, State, next_state
from crmcom_kit.mock_server.store.reference_data import ReferenceData

#: Called before each change of a store, under its lock, with the new and changed records, the
#: records to be removed, and the new reference data, if any. If it raises, nothing changes.
Listener = Callable[[Iterable[Record], Iterable[Record], ReferenceData | None], None]


class Store:
    """Webhook requests and their reference data. Every call is atomic.

    Copying takes the same time for any number of records: both stores share the contents, and the
    first write copies them.
    """

    def __init__(self) -> None:
        """Start empty."""
        #: Never changed, only replaced.
        self.reference_data = ReferenceData()
        self._lock = threading.Lock()
        self._contents = Contents()
        self._is_shared = False  # True: other stores share the contents
        # The positions of records that are being sent. In the contents, these stay REJECTED: a
        # delivery belongs to the store in which it began.
        self._sending_positions: set[int] = set()
        self._listener: Listener = lambda *_: None

    def listen(self, listener: Listener, start: Callable[["Store"], None]) -> None:
        """Call ``start`` with a copy, and ``listener`` before each later change.

        Nothing changes while ``start`` runs, which may not use this store. If it raises, the
        listener does not change.
        """
        with self._lock:
            start(self._copy())
            self._listener = listener

    def copy(self) -> "Store":
        """Return a copy, in which records being sent are REJECTED."""
        with self._lock:
            return self._copy()

    def _copy(self) -> "Store":
        copy = Store()
        self._is_shared = copy._is_shared = True
        copy._contents = self._contents
        copy.reference_data = self.reference_data
        return copy

    def _own_contents(self) -> Contents:
        """Return contents that no other store shares; copy them if necessary."""
        if self._is_shared:
            self._contents = self._contents.copy()
            self._is_shared = False
        return self._contents

    def _record(self, position: int | None) -> Record | None:
        """Return the record at ``position``, with its state in this store."""
        if position in self._sending_positions:
            return self._contents.records[position]._replace(state=State.SENDING)
        return None if position is None else self._contents.records.get(position)

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._contents.records)

    @property
    def size(self) -> int:
        """The bytes that its records and its reference data count for."""
        return self._contents.size + self.reference_data.size

    def get(self, key: Key, value: str) -> Record | None:
        """Return the record with that id or number; None if there is none."""
        with self._lock:
            return self._record(self._contents.positions[key].get(value))

    def ever_existed(self, key: Key, value: str) -> bool:
        """Return True if a record, also a deleted one, has that id or number."""
        return value in self._contents.positions[key]

    def find(self, query: Query) -> list[Record]:
        """Return the records that ``query`` selects, at one moment."""
        with self._lock:
            return list(self._contents.find(query))

    def query(self, query: Query) -> list[bytes]:
        """Return the bodies of the records that ``query`` selects."""
        return [record.body for record in self.find(query)]

    def records(self) -> Iterator[Record]:
        """Return all records at this moment, oldest first."""
        with self._lock:
            self._is_shared = True  # a write copies the contents being read
            return iter(self._contents.records.values())

    def largest_number(self) -> int:
        """Return the largest whole number that a record has or had; 0 if there is none."""
        return self._contents.largest_number

    def newest(self) -> float:
        """Return the creation of the newest record, also a deleted one, in seconds since 1970.

        It is -inf if none has a date.
        """
        return self._contents.newest

    def deleted_keys(self) -> list[tuple[str, str]]:
        """Return id and number of each record that was deleted."""
        with self._lock:
            return self._contents.deleted_keys()

    def insert(self, *records: Record, reference_data: ReferenceData | None = None) -> None:
        """Add ``records`` as the newest, in their order; replace the reference data, if given.

        Raises DuplicateRecord, and adds none; ids and numbers of deleted records count, too.
        """
        with self._lock:
            self._contents.check_new(records)
            self._listener(records, (), reference_data)
            self.reference_data = reference_data or self.reference_data
            self._own_contents().add(records)

    def insert_deleted(self, ids_and_numbers: Iterable[tuple[str, str]]) -> None:
        """Add ids and numbers of deleted records; the listener is not called."""
        with self._lock:
            self._own_contents().add_deleted(ids_and_numbers)

    def transition(
        self, record_id: str, event: Event, change: Callable[[Record], Record] | None = None
    ) -> Record | None:
        """Apply ``event`` to a record, and return the new record; None if there is none.

        The life cycle's table has the new state. ``change`` returns the record with its other
        changes and the same id and number. It runs under the lock: it must be quick and may not
        use the store.

        Raises:
            WrongState: the record's state does not allow it. Nothing has changed then, nor if
                ``change`` raises.
        """
        with self._lock:
            position = self._contents.positions["id"].get(record_id)
            record = self._record(position)
            if position is None or record is None:
                return None
            state = next_state(record.state, event)
            new_record = record if change is None else change(record)
            stored_record = new_record._replace(state=state.in_responses)
            if stored_record != self._contents.records[position]:
                self._listener((stored_record,), (), None)
                self._own_contents().replace(position, stored_record)
            if state is State.SENDING:
                self._sending_positions.add(position)
            else:
                self._sending_positions.discard(position)
            return new_record._replace(state=state)

    def replace(self, old_record: Record, record: Record, reference_data: ReferenceData) -> bool:
        """Replace ``old_record`` with ``record``, of the same id and number.

        Returns False if the store does not have ``old_record`` any more; nothing has changed then.
        """
        with self._lock:
            position = self._contents.positions["id"].get(old_record.id)
            if position is None or self._record(position) != old_record:
                return False
            self._listener((record,), (), reference_data)
            self.reference_data = reference_data
            self._own_contents().replace(position, record)
            return True

    def delete(self, key: Key, value: str) -> Record | None:
        """Remove the record with that id or number, and return it."""
        with self._lock:
            position = self._contents.positions[key].get(value)
            record = self._record(position)
            if position is not None and record is not None:
                self._listener((), (record,), None)
                self._own_contents().remove(position)
                self._sending_positions.discard(position)
            return record
