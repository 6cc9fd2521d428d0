"""The bounded log of a world's requests and responses.

An entry keeps the pair as it came, since most entries are never looked at. Views of it (redacted,
read into parameters, explained) are built in ``call_view`` on demand.
"""

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from time import monotonic
from typing import NamedTuple, TypeVar
from weakref import WeakSet

from crmcom_kit.mock_server.faults.model import Fault
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.protocol.response import Response

#: The journal keeps at most this many bytes of a response's body.
MAX_BODY = 262_144
#: What all journals of one server may hold together, in bytes.
MAX_TOTAL_BYTES = 268_435_456
# What an entry takes in memory besides body, query and headers.
_ENTRY_BYTES = 1_100
_HEADER_BYTES = 180  # what a header takes besides its value
_ID = re.compile(r"(?:([0-9]{1,40})-)?([0-9]{1,40})", re.ASCII)
_POLL_SECONDS = 0.2
_T = TypeVar("_T")


class JournalLimits(NamedTuple):
    """How much a journal holds; the oldest entries are dropped first."""

    entries: int = 1_000
    bytes: int = 8_388_608


@dataclass(slots=True, eq=False)
class TruncatedBody:
    """The beginning of a streamed response body, filled while the stream is sent."""

    content: bytes = b""
    length: int = 0  # bytes sent so far


class Entry(NamedTuple):
    """One request and its response."""

    number: int  # counted from 1 in each journal
    at: datetime  # of the world's clock, when the request was dispatched
    request: Request
    response: Response
    body: bytes | TruncatedBody  # the response's body, at most MAX_BODY bytes of it
    fault: Fault | None
    size: int  # bytes that it takes; a streamed body counts as MAX_BODY


class JournalBudget:
    """The limit on all journals of one server together.

    When it is exceeded, the journal that takes most drops its oldest entries.
    """

    def __init__(self, limit: int = MAX_TOTAL_BYTES) -> None:
        """Start with no journal; ``limit`` is in bytes."""
        self.used = 0  # how many bytes the journals take
        self._limit = limit
        self._journals: WeakSet[Journal] = WeakSet()
        self._lock = threading.Lock()  # may be taken while a journal's lock is held
        self._evicting = threading.Lock()  # never is

    def register(self, journal: "Journal") -> None:
        """Count ``journal`` from now on, for as long as it exists."""
        with self._lock:
            self._journals.add(journal)

    def unregister(self, journal: "Journal") -> None:
        """Count ``journal`` no longer."""
        with self._lock:
            self._journals.discard(journal)
            self.used -= journal.size

    def count(self, change: int) -> None:
        """Count bytes that a journal took, or gave back."""
        with self._lock:
            self.used += change

    def evict(self, at_least: int) -> None:
        """Drop the oldest entries of the largest journals, if all together take too much.

        A single journal may always reach its own limit, ``at_least``.
        """
        limit = max(self._limit, at_least)
        if self.used <= limit:
            return
        limit -= limit // 16  # not for every entry anew
        with self._evicting:
            with self._lock:
                journals = list(self._journals)
                # Bytes of a world that was garbage-collected are no longer there.
                self.used = sum(journal.size for journal in journals)
            while self.used > limit:
                largest = max(journals, key=lambda journal: journal.size)
                if not largest.drop_oldest(self.used - limit):
                    return


class Journal:
    """The last requests to one world and their responses, newest last."""

    def __init__(
        self,
        limits: JournalLimits | None = None,
        *,
        begun: int = 0,
        budget: JournalBudget | None = None,
    ) -> None:
        """Start empty.

        ``begun`` is the number of the epoch that it begins in; it is part of every entry's id.
        ``budget`` is the limit that it shares with the journals of other worlds.
        """
        self.limits = JournalLimits() if limits is None else limits
        self.last = 0  # the number of the last request, which is how many there were
        self.size = 0  # about how many bytes its entries take
        self.closed = False  # whether a reset has replaced it by another journal
        self._begun = begun
        self._budget = budget
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._entries: deque[Entry] = deque()
        self._waiting = 0
        if budget is not None:
            budget.register(self)

    def record(
        self, at: datetime, request: Request, response: Response, fault: Fault | None = None
    ) -> str:
        """Append a request and the response that is about to be sent; return the entry's id."""
        body: bytes | TruncatedBody
        if isinstance(response.body, bytes):
            body = response.body
            if len(body) > MAX_BODY:
                body = body[:MAX_BODY]
                response = replace(response, body=body)  # or the whole body would stay in memory
            size = _ENTRY_BYTES + len(body)
        else:
            body = TruncatedBody()
            response.body = _watched(response.body, body)
            size = _ENTRY_BYTES + MAX_BODY
        headers = request.headers.values()
        size += len(headers) * _HEADER_BYTES + sum(map(len, headers))
        size += len(request.query) + len(request.body or b"")
        before = response.before
        if before is not None and before is not response.after:
            size += len(before)  # the store no longer has it
        with self._lock:
            self.last = number = self.last + 1
            self._entries.append(Entry(number, at, request, response, body, fault, size))
            self._grow(size)
            if self._waiting:
                self._changed.notify_all()
        if (budget := self._budget) is not None:
            budget.evict(self.limits.bytes)
        return self.id_of(number)

    def _grow(self, size: int) -> None:
        """Count ``size`` bytes more and drop what exceeds the limits, with the lock held."""
        before = self.size
        self.size += size
        max_entries, max_bytes = self.limits
        while self._entries and (self.size > max_bytes or len(self._entries) > max_entries):
            self.size -= self._entries.popleft().size
        if self._budget is not None:
            self._budget.count(self.size - before)

    def limit(self, limits: JournalLimits) -> None:
        """Set how much it holds from now on."""
        with self._lock:
            self.limits = limits
            self._grow(0)

    def id_of(self, number: int) -> str:
        """Return the id of an entry, unique in its world, resets included."""
        return f"{self._begun}-{number}"

    def number_of(self, text: str) -> int | None:
        """Return the number of the entry that a number or an id means; None if it is neither.

        For the id of an entry in another journal, such as the one before a reset, it is 0.
        """
        found = _ID.fullmatch(text)
        if found is None:
            return None
        return int(found[2]) if found[1] in (None, str(self._begun)) else 0

    def entries(self, since: int = 0) -> list[Entry]:
        """Return the entries with numbers above ``since``, oldest first."""
        with self._lock:
            found = list(takewhile(lambda entry: entry.number > since, reversed(self._entries)))
        found.reverse()
        return found

    def find(self, number: int) -> Entry | None:
        """Return the entry of that number, if the journal still has it."""
        with self._lock:
            return next((entry for entry in self._entries if entry.number == number), None)

    def clear(self) -> None:
        """Remove all entries; numbers go on."""
        with self._lock:
            self._entries.clear()
            self._grow(-self.size)

    def remove(self, numbers: frozenset[int]) -> None:
        """Remove the entries of these numbers, if the journal still has them."""
        with self._lock:
            self._entries = deque(one for one in self._entries if one.number not in numbers)
            self._grow(sum(one.size for one in self._entries) - self.size)

    def drop_oldest(self, size: int) -> bool:
        """Drop the oldest entries that take ``size`` bytes; return whether there were any."""
        with self._lock:
            before = self.size
            while self._entries and before - self.size < size:
                self._grow(-self._entries.popleft().size)
            return self.size < before

    def wait_for(self, found: Callable[[], _T | None], seconds: float) -> _T | None:
        """Return what ``found`` returns once it is not None; None when the time is over.

        ``found`` is called at once and after every request, without the journal's lock.
        ``seconds`` are the machine's.
        """
        deadline = monotonic() + seconds
        with self._lock:
            self._waiting += 1
            seen = self.last
        try:
            while True:
                result = found()
                left = deadline - monotonic()
                if result is not None or left <= 0 or self.closed:
                    return result
                with self._lock:
                    if self.last == seen and not self.closed:
                        # Records also change without a request, so look again now and then.
                        self._changed.wait(min(left, _POLL_SECONDS))
                    seen = self.last
        finally:
            with self._lock:
                self._waiting -= 1

    def close(self) -> None:
        """End all waits; a reset has replaced this journal by another one."""
        with self._lock:
            if self._budget is not None:
                self._budget.unregister(self)
                self._budget = None
            self.closed = True
            self._changed.notify_all()


def _watched(parts: Iterator[bytes], kept: TruncatedBody) -> Iterator[bytes]:
    """Yield ``parts`` and keep their beginning."""
    for part in parts:
        kept.content += part[: MAX_BODY - len(kept.content)]
        kept.length += len(part)
        yield part
