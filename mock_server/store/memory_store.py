"""The store that worlds use: records in this process's memory, and one lock around them."""

import threading
from collections.abc import Callable, Iterator

from crmcom_kit.mock_server.store.content import Content
from crmcom_kit.mock_server.store.life_cycle import Event, after
from crmcom_kit.mock_server.store.records import Key, Query, Record
from crmcom_kit.mock_server.store.searching import search


class MemoryStore:
    """Records in this process's memory, with indexes over their rows.

    A snapshot is the content itself, shared by the store that it was taken of and by all that are
    restored from it; whichever of them is written to first makes a copy of its own then.
    """

    __slots__ = ("_content", "_last", "_lock", "_shared")

    def __init__(self, content: Content | None = None) -> None:
        """Start empty, or with a ``content`` that others have, too."""
        self._lock = threading.Lock()
        self._shared = content is not None
        self._content = Content() if content is None else content
        # The record that was looked at last and its position: resend looks three times.
        self._last: tuple[int, Record] | None = None

    def _own(self) -> Content:
        """Return the content, to be written to."""
        if self._shared:
            self._content = self._content.settled_copy()
            self._shared = False
        return self._content

    def _record(self, position: int | None) -> Record | None:
        """Return the record there, under the lock."""
        if self._last is not None and self._last[0] == position:
            return self._last[1]
        record = None if position is None else self._content.record(position)
        if position is not None and record is not None:
            self._last = position, record
        return record

    def __len__(self) -> int:
        return len(self._content)

    def body(self, key: Key, value: str) -> bytes | None:
        """Return the body of the record with that id or number.

        Without the lock: a body is there, changed or gone in one step (see ``Content.add``), and
        whatever is asked after that step waits for the rest of it.
        """
        content = self._content
        position = content.position(key, value)
        bodies = content.bodies
        return None if position is None or position >= len(bodies) else bodies[position]

    def get(self, key: Key, value: str) -> Record | None:
        """Return the record with that id or number."""
        with self._lock:
            return self._record(self._content.position(key, value))

    def ever_existed(self, key: Key, value: str) -> bool:
        """Whether there is, or was until it was deleted, a record with that id or number."""
        with self._lock:
            return self._content.position(key, value) is not None

    def query(self, query: Query) -> list[bytes]:
        """Return the bodies that ``query`` finds; the smallest index and the page are the cost."""
        with self._lock:
            return search(self._content, query)

    def records(self) -> Iterator[Record]:
        """Go through all records as they are now, oldest first; whoever writes, copies."""
        content = self._kept()
        positions = range(len(content.bodies))
        return (record for at in positions if (record := content.record(at)) is not None)

    def largest_number(self) -> int:
        """Return the largest number that a record has or had, of those that are plain numbers."""
        with self._lock:
            return self._content.largest_number()

    def insert(self, *records: Record) -> None:
        """Add ``records`` as the newest, all or none. Raises DuplicateRecord."""
        with self._lock:
            self._content.check_new(records)
            self._own().add(records)

    def transition(
        self, record_id: str, event: Event, change: Callable[[Record], Record] | None = None
    ) -> Record | None:
        """Let ``event`` happen to a record. Raises WrongState, and then nothing has changed."""
        with self._lock:
            position = self._content.position("id", record_id)
            record = self._record(position)
            if position is None or record is None:
                return None
            state = after(record.row.state, event)
            changed = record if change is None else change(record)
            changed = Record(changed.row.moved(state), changed.body, changed.data)
            if change is None:
                self._own().move(position, state)
            else:
                self._own().replace(position, changed)
            self._last = position, changed
            return changed

    def delete(self, key: Key, value: str) -> Record | None:
        """Remove the record with that id or number and return it as it last was."""
        with self._lock:
            position = self._content.position(key, value)
            record = self._record(position)
            if position is not None and record is not None:
                self._own().drop(position)
                self._last = None
            return record

    def snapshot(self) -> object:
        """Return the whole content, to be given to ``restore``; in general at no cost."""
        return self._kept()

    def _kept(self) -> Content:
        """Return the content as it is now, which nobody will write to."""
        with self._lock:
            if self._content.has_sending():  # a delivery belongs to the store that it began in
                return self._content.settled_copy()
            self._shared = True
            return self._content

    def restore(self, snapshot: object) -> "MemoryStore":
        """Return a store with a content that ``snapshot`` returned, at no cost until it is written.

        Raises TypeError for anything else.
        """
        if not isinstance(snapshot, Content):
            msg = f"snapshot: {type(snapshot).__name__} is not a snapshot of a MemoryStore"
            raise TypeError(msg)
        return MemoryStore(snapshot)
