"""The bounded log of a world's requests and responses.

A request enters it when it arrives; its response completes the entry. An entry keeps both
unchanged, since most entries are never viewed. ``entry_view`` makes views (redacted, read into
parameters, explained) on demand.
"""

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic, perf_counter
from weakref import WeakSet

from crmcom_kit.mock_server.clock import IsOver
from crmcom_kit.mock_server.faults.matching import Fault
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.protocol.response import Response

#: Maximum number of bytes that the journal keeps of a response's body.
MAX_BODY = 262_144
#: Default maximum number of requests in a journal.
MAX_ENTRIES = 1_000
#: Maximum size of all journals of one server together, in bytes: room for about fifty busy worlds,
#: and far below the memory of a small container.
MAX_TOTAL_BYTES = 134_217_728
# Bytes that an entry takes besides body, query and headers.
_ENTRY_BYTES = 1_100
_HEADER_BYTES = 180  # bytes that a header takes besides its value
_ID = re.compile(r"(?:([0-9]{1,40})-)?([0-9]{1,40})", re.ASCII)
_POLL_SECONDS = 0.2


@dataclass(slots=True, eq=False)
class Entry:
    """One request, and its response when it has one."""

    number: int  # counted from 1 in each journal
    revision: int  # the journal's revision when the request arrived, or when it got its response
    at: datetime  # of the world's clock, when the request arrived
    request: Request
    size: int  # bytes that the entry takes; a streamed body counts as MAX_BODY
    fault: Fault | None = None  # the fault that hit the request
    expected_refusal: bool = False  # True: a test expects the refusal of the request
    carried_out: Response | None = None  # the API's own response, while a fault holds it back
    response: Response | None = None  # None while the request runs
    body: bytes = b""  # the response's body, at most MAX_BODY bytes of it
    length: int = 0  # bytes of the complete body; of a stream, those sent so far
    is_gone: bool = False  # True: the journal has dropped the entry
    start: float = field(default_factory=perf_counter)
    seconds: float | None = None  # from its arrival to its response, of the machine's time

    @property
    def result(self) -> Response | None:
        """The result so far: the response, or the response that a fault holds back."""
        held_back_response = self.carried_out  # read first: the response replaces it
        return self.response or held_back_response


class JournalBudget:
    """The limit on all journals of one server together, and the lock that they share.

    When the limit is exceeded, the largest journal drops its oldest entries.
    """

    def __init__(self, limit: int = MAX_TOTAL_BYTES) -> None:
        """Start without journals; ``limit`` is in bytes."""
        self.lock = threading.Lock()
        self.used = 0  # bytes that the journals take
        self._limit = limit
        self._journals: WeakSet[Journal] = WeakSet()

    def register(self, journal: "Journal") -> None:
        """Count ``journal`` as long as it exists."""
        with self.lock:
            self._journals.add(journal)

    def unregister(self, journal: "Journal") -> None:
        """Stop counting ``journal``, with the lock held."""
        self._journals.discard(journal)
        self.used -= journal.size

    def count(self, change: int) -> None:
        """Count bytes that a journal took or freed, and make room, with the lock held."""
        self.used += change
        if self.used <= self._limit:
            return
        limit = self._limit - self._limit // 16  # room for the next entries, too
        journals = list(self._journals)
        # The journal of a garbage-collected world takes no bytes.
        self.used = sum(journal.size for journal in journals)
        while self.used > limit:
            largest = max(journals, key=lambda journal: journal.size)
            self.used -= largest.drop_oldest(self.used - limit)


class Journal:
    """The last requests to one world and their responses, newest last."""

    def __init__(
        self, max_entries: int = MAX_ENTRIES, *, epoch: int = 0, budget: JournalBudget | None = None
    ) -> None:
        """Start empty, with room for the last ``max_entries`` requests.

        ``epoch`` is the number of its first epoch, which is part of every entry's id. ``budget`` is
        the limit that it shares with the journals of other worlds, if any.
        """
        self.max_entries = max_entries
        self.last = 0  # the number of the last request, and of all requests
        self.revision = 0  # grows with each arrival, fault that holds back, and response
        self.size = 0  # approximate bytes of its entries
        self.evicted = 0  # entries dropped to make room, since it was cleared
        self.closed = False  # True: a reset has replaced this journal
        self._epoch = epoch
        self._budget = budget or JournalBudget()
        self._lock = self._budget.lock
        self._condition = threading.Condition(self._lock)
        self._entries: deque[Entry] = deque()
        self._budget.register(self)

    def begin(self, moment: datetime, request: Request) -> Entry:
        """Append a request, and return its entry."""
        headers = request.headers.values()
        size = _ENTRY_BYTES + len(headers) * _HEADER_BYTES + sum(map(len, headers))
        size += len(request.query) + len(request.body or b"")
        with self._lock:
            self.last += 1
            entry = Entry(self.last, 0, moment, request, size)
            self._entries.append(entry)
            self._advance(entry, size)
        return entry

    def complete(self, entry: Entry, response: Response) -> str:
        """Add a response to the entry of its request, before it is sent; return the entry's id.

        An entry that was dropped in the meantime stays out of the journal.
        """
        body = response.body
        if isinstance(body, bytes):
            entry.body, entry.length = body[:MAX_BODY], len(body)
            size = len(entry.body)
            if size < entry.length:  # otherwise the complete body would stay in memory
                response = replace(response, body=entry.body)
        else:
            response.body = _record(body, entry)
            size = MAX_BODY
        old_body = response.before
        if old_body is not None and old_body is not response.after:
            size += len(old_body)  # the store no longer has the record
        size += sum(len(name) + len(value) for name, value in response.extra_headers)
        with self._lock:
            entry.seconds = round(perf_counter() - entry.start, 6)
            entry.response = response
            entry.carried_out = None
            if entry.is_gone:
                size = 0
            entry.size += size
            self._advance(entry, size)
        return self.id_of(entry.number)

    def announce(self, entry: Entry) -> None:
        """Let those who wait for changes see the entry of a running request again."""
        with self._lock:
            self._advance(entry, 0)

    def _advance(self, entry: Entry, size: int) -> None:
        """Count ``size`` more bytes, and wake waiting threads, with the lock held."""
        self.revision += 1
        entry.revision = self.revision
        self._condition.notify_all()
        self._grow(size)

    def _grow(self, size: int) -> None:
        """Count ``size`` more bytes, and drop entries above the limits, with the lock held."""
        old_size = self.size
        self.size += size
        while len(self._entries) > self.max_entries:
            self._evict_oldest()
        if not self.closed:
            self._budget.count(self.size - old_size)

    def drop_oldest(self, size: int) -> int:
        """Drop the oldest entries that take ``size`` bytes, with the lock held.

        Returns the number of freed bytes.
        """
        old_size = self.size
        while self._entries and old_size - self.size < size:
            self._evict_oldest()
        return old_size - self.size

    def _evict_oldest(self) -> None:
        """Drop the oldest entry to make room, with the lock held."""
        entry = self._entries.popleft()
        entry.is_gone = True
        self.size -= entry.size
        self.evicted += 1

    def id_of(self, number: int) -> str:
        """Return the id of an entry, which is unique in its world, also after resets."""
        return f"{self._epoch}-{number}"

    def number_of(self, text: str) -> int:
        """Return the number of an entry from its number or id.

        It is 0 for the id of an entry in another journal, such as that before a reset, and for
        other text.
        """
        parts = _ID.fullmatch(text)
        is_own = parts is not None and parts[1] in (None, str(self._epoch))
        return int(parts[2]) if parts is not None and is_own else 0

    def entries(self, since: int = 0) -> list[Entry]:
        """Return the entries with numbers above ``since``, oldest first."""
        with self._lock:
            return [entry for entry in self._entries if entry.number > since]

    def changed_since(self, revision: int) -> tuple[int, list[Entry]]:
        """Return the current revision, and the entries changed since an older one."""
        with self._lock:
            return self.revision, [entry for entry in self._entries if entry.revision > revision]

    def find(self, number: int) -> Entry | None:
        """Return the entry of that number, if the journal still has it."""
        with self._lock:
            return next((entry for entry in self._entries if entry.number == number), None)

    def clear(self) -> None:
        """Remove all entries except those of running requests.

        Running requests take effect after the clear, so they count. Numbers continue.
        """
        with self._lock:
            for entry in self._entries:
                entry.is_gone = entry.result is not None
            self._entries = deque(entry for entry in self._entries if not entry.is_gone)
            self._grow(sum(entry.size for entry in self._entries) - self.size)
            self.evicted = 0

    def wait_until(
        self, holds: Callable[[], bool], seconds: float, is_over: IsOver = lambda: False
    ) -> bool:
        """Return True once ``holds`` does; False when the time is over or the wait must end.

        ``holds`` is called at once, and whenever an entry is new or has changed, without the
        journal's lock. ``seconds`` are by the machine's clock. ``is_over`` ends the wait.
        """
        deadline = monotonic() + seconds
        revision = self.revision
        while not holds():
            remaining = deadline - monotonic()
            if remaining <= 0 or self.closed or is_over():
                return False
            with self._lock:
                if self.revision == revision and not self.closed:
                    # Records also change without a request, so check at intervals.
                    self._condition.wait(min(remaining, _POLL_SECONDS))
                revision = self.revision
        return True

    def close(self) -> None:
        """End all waits, since a reset has replaced this journal."""
        with self._lock:
            if not self.closed:
                self._budget.unregister(self)
            self.closed = True
            self._condition.notify_all()


def _record(parts: Iterator[bytes], entry: Entry) -> Iterator[bytes]:
    """Yield the parts of a response's body, and record its beginning in the entry."""
    for part in parts:
        entry.body += part[: MAX_BODY - len(entry.body)]
        entry.length += len(part)
        yield part
