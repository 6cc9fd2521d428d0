"""The store that worlds use: records in this process's memory, and one lock around them."""

import threading
from collections.abc import Callable

from crmcom_kit.mock_server.content import Content
from crmcom_kit.mock_server.searching import search
from crmcom_kit.mock_server.states import Event, after
from crmcom_kit.mock_server.store import Key, Query, Record


class MemoryStore:
    """Records in this process's memory, with indexes over their rows."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._content = Content()

    def __len__(self) -> int:
        return len(self._content)

    def body(self, key: Key, value: str) -> bytes | None:
        """Return the body of the record with that id or number."""
        with self._lock:
            position = self._content.position(key, value)
            return None if position is None else self._content.bodies[position]

    def get(self, key: Key, value: str) -> Record | None:
        """Return the record with that id or number."""
        with self._lock:
            position = self._content.position(key, value)
            return None if position is None else self._content.record(position)

    def query(self, query: Query) -> list[bytes]:
        """Return the bodies that ``query`` finds; the smallest index and the page are the cost."""
        with self._lock:
            return search(self._content, query)

    def insert(self, record: Record) -> None:
        """Add ``record`` as the newest. Raises DuplicateRecord."""
        with self._lock:
            self._content.add(record)

    def transition(
        self, record_id: str, event: Event, change: Callable[[Record], Record] | None = None
    ) -> Record | None:
        """Let ``event`` happen to a record. Raises WrongState, and then nothing has changed."""
        with self._lock:
            position = self._content.position("id", record_id)
            record = None if position is None else self._content.record(position)
            if position is None or record is None:
                return None
            state = after(record.row.state, event)
            changed = record if change is None else change(record)
            changed = changed._replace(row=changed.row._replace(state=state))
            self._content.replace(position, changed)
            return changed

    def delete(self, key: Key, value: str) -> Record | None:
        """Remove the record with that id or number and return it as it last was."""
        with self._lock:
            position = self._content.position(key, value)
            record = None if position is None else self._content.record(position)
            if position is not None and record is not None:
                self._content.drop(position)
            return record

    def snapshot(self) -> object:
        """Return the whole content, to be given to ``restore``."""
        with self._lock:
            return self._content.settled_copy()

    def restore(self, snapshot: object) -> None:
        """Go back to a content that ``snapshot`` returned. Raises TypeError for anything else."""
        if not isinstance(snapshot, Content):
            msg = f"snapshot: {type(snapshot).__name__} is not a snapshot of a MemoryStore"
            raise TypeError(msg)
        fresh = snapshot.settled_copy()
        with self._lock:
            self._content = fresh
