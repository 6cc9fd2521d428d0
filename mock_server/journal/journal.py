"""The bounded log of a world's requests and responses.

An entry keeps the pair as it came, since most entries are never looked at. Views of it (redacted,
read into parameters, explained) are built in ``call_view`` when somebody asks.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from weakref import WeakSet

from crmcom_kit.mock_server.protocol.response import Response

if TYPE_CHECKING:
    from crmcom_kit.mock_server.faults.model import Fault
    from crmcom_kit.mock_server.protocol.request import Request

#: The journal keeps at most this many bytes of a response's body.
MAX_BODY = 262_144
#: What all journals of one server may hold together, in bytes.
MAX_TOTAL_BYTES = 268_435_456
# What an entry takes in memory besides body, query and headers.
_ENTRY_BYTES = 1_100
_HEADER_BYTES = 180  # what a header takes besides its value
_MAX_DIGITS = 15  # of a number in an id
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
    request: "Request"
    response: Response
    body: bytes | TruncatedBody  # the response's body, at most MAX_BODY bytes of it
    fault: "Fault | None"
    size: int  # bytes that it takes, except for a streamed body


class JournalBudget:
    """The limit on all journals of one server together.

    When it is exceeded, the journal that takes most drops its oldest entries.
    """

    def __init__(self, limit: int = MAX_TOTAL_BYTES) -> None:
        """Start with no journal; ``limit`` is in bytes."""
        self._limit = limit
        self._journals: WeakSet[Journal] = WeakSet()
        self._used = 0
        self._lock = threading.Lock()  # may be taken while a journal's lock is held
        self._evicting = threading.Lock()  # never is

    @property
    def used(self) -> int:
        """How many bytes the journals take."""
        return self._used

    def register(self, journal: "Journal") -> None:
        """Count ``journal`` from now on, for as long as it exists."""
        with self._lock:
            self._journals.add(journal)

    def unregister(self, journal: "Journal") -> None:
        """Count ``journal`` no longer."""
        with self._lock:
            self._journals.discard(journal)
            self._used -= journal.size

    def count(self, change: int, at_least: int) -> bool:
        """Count bytes that a journal took; return whether too many are taken now.

        A single journal may always reach its own limit, ``at_least``.
        """
        with self._lock:
            self._used += change
            return self._used > max(self._limit, at_least)

    def evict(self, at_least: int) -> None:
        """Drop the oldest entries of the largest journals until there is room again."""
        limit = max(self._limit, at_least)
        limit -= limit // 16  # not for every entry anew
        with self._evicting:
            with self._lock:
                journals = list(self._journals)
                # Bytes of a world that was garbage-collected are no longer there.
                self._used = sum(journal.size for journal in journals)
            while self._used > limit:
                largest = max(journals, key=lambda journal: journal.size)
                if not largest.drop_oldest(self._used - limit):
                    return


class Journal:
    """The last requests to one world and their responses, newest last."""

    __slots__ = (
        "__weakref__", "_begun", "_budget", "_bytes", "_changed", "_closed", "_entries", "_keeps",
        "_last", "_limits", "_lock", "_waiting",
    )  # fmt: skip

    def __init__(
        self,
        limits: JournalLimits | None = None,
        *,
        begun: int = 0,
        budget: JournalBudget | None = None,
    ) -> None:
        """Start empty.

        Args:
            limits: how much it holds.
            begun: the number of the epoch it begins in; part of every entry's id.
            budget: the limit it shares with the journals of other worlds; none by default.
        """
        self._limits = JournalLimits() if limits is None else limits
        self._keeps = self._limits.entries > 0
        self._begun = begun
        self._budget = budget
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._entries: deque[Entry] = deque()
        self._bytes = self._last = self._waiting = 0
        self._closed = False
        if budget is not None:
            budget.register(self)

    def record(
        self, at: datetime, request: "Request", response: Response, fault: "Fault | None" = None
    ) -> None:
        """Append a request and the response that is about to be sent."""
        if not self._keeps:
            with self._lock:
                self._last += 1
                if self._waiting:
                    self._changed.notify_all()
            return
        body: bytes | TruncatedBody
        if isinstance(response.body, bytes):
            body = response.body
            if len(body) > MAX_BODY:
                body = body[:MAX_BODY]
                response = replace(response, body=body)  # or the whole body would stay in memory
            size = _ENTRY_BYTES + len(body)
        else:
            body = TruncatedBody()
            response.body = self._watched(response.body, body)
            size = _ENTRY_BYTES
        headers = request.headers.values()
        size += len(headers) * _HEADER_BYTES + sum(map(len, headers))
        size += len(request.query) + len(request.body or b"")
        before = response.before
        if before is not None and before is not response.after:
            size += len(before)  # the store no longer has it
        with self._lock:
            self._last += 1
            self._entries.append(Entry(self._last, at, request, response, body, fault, size))
            over = self._grow(size)
            if self._waiting:
                self._changed.notify_all()
        if over and (budget := self._budget) is not None:
            budget.evict(self._limits.bytes)

    def _grow(self, size: int) -> bool:
        """Count ``size`` bytes more and drop what exceeds the limits, with the lock held.

        Returns whether all journals together are too large now.
        """
        before = self._bytes
        self._bytes += size
        entries, most = self._limits
        while self._entries and (self._bytes > most or len(self._entries) > entries):
            self._bytes -= _size(self._entries.popleft())
        return self._budget is not None and self._budget.count(self._bytes - before, most)

    def _watched(self, parts: Iterator[bytes], kept: TruncatedBody) -> Iterator[bytes]:
        """Yield ``parts`` and keep their beginning."""
        for part in parts:
            room = MAX_BODY - len(kept.content)
            if room > 0:
                with self._lock:
                    kept.content += part[:room]
                    if any(entry.body is kept for entry in reversed(self._entries)):
                        self._grow(min(room, len(part)))
            kept.length += len(part)
            yield part

    @property
    def limits(self) -> JournalLimits:
        """How much it holds."""
        return self._limits

    def limit(self, limits: JournalLimits) -> None:
        """Set how much it holds from now on."""
        with self._lock:
            self._limits, self._keeps = limits, limits.entries > 0
            self._grow(0)

    @property
    def last(self) -> int:
        """The number of the last request, which is how many there were."""
        return self._last

    @property
    def size(self) -> int:
        """About how many bytes its entries take."""
        return self._bytes

    @property
    def closed(self) -> bool:
        """Whether a reset has replaced it by another journal."""
        return self._closed

    def id_of(self, number: int) -> str:
        """Return the id of an entry, unique in its world, resets included."""
        return f"{self._begun}-{number}"

    def number_of(self, id: str) -> int:
        """Return the number of the entry with that id; 0 if the id is not of this journal."""
        begun, _, number = id.partition("-")
        ours = begun == str(self._begun) and number.isascii() and number.isdecimal()
        return int(number) if ours and len(number) <= _MAX_DIGITS else 0

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
        self._keep(lambda _: False)

    def remove(self, numbers: frozenset[int]) -> int:
        """Remove some entries; return how many were there."""
        return self._keep(lambda entry: entry.number not in numbers)

    def drop_oldest(self, size: int) -> bool:
        """Drop the oldest entries that take ``size`` bytes; return whether there were any."""
        with self._lock:
            left = size
            before = len(self._entries)
            while self._entries and left > 0:
                gone = _size(self._entries.popleft())
                left -= gone
                self._grow(-gone)
            return len(self._entries) < before

    def _keep(self, wanted: Callable[[Entry], bool]) -> int:
        with self._lock:
            kept = deque(filter(wanted, self._entries))
            gone = len(self._entries) - len(kept)
            self._entries = kept
            self._grow(sum(map(_size, kept)) - self._bytes)
            return gone

    def wait_for(self, found: Callable[[], _T | None], seconds: float) -> _T | None:
        """Return what ``found`` returns once it is not None; None when the time is over.

        ``found`` is called at once and after every request, without the journal's lock.
        ``seconds`` are the machine's.
        """
        deadline = monotonic() + seconds
        with self._lock:
            self._waiting += 1
            seen = self._last
        try:
            while True:
                result = found()
                left = deadline - monotonic()
                if result is not None or left <= 0 or self._closed:
                    return result
                with self._lock:
                    if self._last == seen and not self._closed:
                        # Records also change without a request, so look again now and then.
                        self._changed.wait(min(left, _POLL_SECONDS))
                    seen = self._last
        finally:
            with self._lock:
                self._waiting -= 1

    def close(self) -> None:
        """End all waits; a reset has replaced this journal by another one."""
        with self._lock:
            if self._budget is not None:
                self._budget.unregister(self)
                self._budget = None
            self._closed = True
            self._changed.notify_all()


def _size(entry: Entry) -> int:
    streamed = entry.body
    return entry.size + (len(streamed.content) if isinstance(streamed, TruncatedBody) else 0)
