"""What was asked of a world and what it answered: the last calls, within bounds.

A call is kept as it came, since most of them nobody ever asks for; what is told of it (masked, read
into parameters, explained) is made in ``calls`` when somebody does.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import NamedTuple, TypeVar

from crmcom_kit.mock_server.faults import Fault
from crmcom_kit.mock_server.reading import RawRequest
from crmcom_kit.mock_server.wire import Answer

#: A longer answer is noted up to here.
LONGEST_ANSWER = 262_144
_OWN_BYTES = 2_000  # what a note takes besides the bodies, headers included
_T = TypeVar("_T")


class JournalLimits(NamedTuple):
    """How much a journal holds; the oldest calls go first."""

    entries: int = 1_000
    bytes: int = 8_388_608


class Note(NamedTuple):
    """One call, as it came."""

    number: int  # counted from 1 in each epoch's journal
    at: datetime  # of the world's clock, when it began
    request: RawRequest
    answer: Answer
    text: "bytes | Beginning"  # the answer's body
    fault: Fault | None


@dataclass(slots=True)
class Beginning:
    """The beginning of an answer that is streamed."""

    text: bytes = b""
    length: int = 0  # of the whole, as far as it was sent


class Journal:
    """The last calls of one world, newest last."""

    __slots__ = (
        "_bytes", "_changed", "_closed", "_last", "_limits", "_lock", "_notes", "_waiting",
    )  # fmt: skip

    def __init__(self, limits: JournalLimits | None = None) -> None:
        """Start empty."""
        self._limits = JournalLimits() if limits is None else limits
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._notes: deque[tuple[Note, int]] = deque()
        self._bytes = self._last = self._waiting = 0
        self._closed = False

    def note(
        self, at: datetime, request: RawRequest, answer: Answer, fault: Fault | None = None
    ) -> None:
        """Note a call that is answered, or about to be."""
        body = answer.body
        kept: bytes | Beginning
        if isinstance(body, bytes):
            kept = body if len(body) <= LONGEST_ANSWER else body[:LONGEST_ANSWER]
            size = len(kept) + _OWN_BYTES
        else:
            kept = Beginning()
            answer.body = _watched(body, kept)
            size = LONGEST_ANSWER + _OWN_BYTES
        size += len(request.query) + len(request.body or b"")
        with self._lock:
            self._last += 1
            self._notes.append((Note(self._last, at, request, answer, kept, fault), size))
            self._bytes += size
            if self._bytes > self._limits.bytes or len(self._notes) > self._limits.entries:
                self._shorten()
            if self._waiting:
                self._changed.notify_all()

    def _shorten(self) -> None:
        entries, most = self._limits
        notes = self._notes
        while notes and (self._bytes > most or len(notes) > entries):
            self._bytes -= notes.popleft()[1]

    @property
    def limits(self) -> JournalLimits:
        """How much it holds."""
        return self._limits

    def limit(self, limits: JournalLimits) -> None:
        """Hold so much from now on."""
        with self._lock:
            self._limits = limits
            self._shorten()

    @property
    def last(self) -> int:
        """The number of the last call, which is how many there were."""
        return self._last

    @property
    def size(self) -> int:
        """How many bytes the calls in it take, by its own reckoning."""
        return self._bytes

    @property
    def closed(self) -> bool:
        """Whether a reset has put another journal in its place."""
        return self._closed

    def notes(self, since: int = 0) -> list[Note]:
        """Return the calls in it whose numbers are above ``since``, oldest first."""
        with self._lock:
            return [note for note, _ in self._notes if note.number > since]

    def find(self, number: int) -> Note | None:
        """Return the call of that number, where it is still here."""
        with self._lock:
            if not self._notes:
                return None
            return next((note for note, _ in self._notes if note.number == number), None)

    def clear(self) -> None:
        """Forget all calls; numbers go on."""
        with self._lock:
            self._notes.clear()
            self._bytes = 0

    def remove(self, numbers: frozenset[int]) -> int:
        """Forget some calls; return how many were there."""
        with self._lock:
            kept = deque((note, size) for note, size in self._notes if note.number not in numbers)
            gone = len(self._notes) - len(kept)
            self._notes, self._bytes = kept, sum(size for _, size in kept)
            return gone

    def wait_for(self, found: Callable[[], _T | None], seconds: float) -> _T | None:
        """Return what ``found`` returns as soon as it is not None; None when time is over.

        It is asked at once, after each call that is noted or nudge, and not under the journal's
        lock. ``seconds`` are the machine's.
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
                    if self._last == seen:
                        # Not for ever: records change without a call, too.
                        self._changed.wait(min(left, 0.2))
                    seen = self._last
        finally:
            with self._lock:
                self._waiting -= 1

    def close(self) -> None:
        """Let go of all who wait; a reset has put another journal in its place."""
        with self._lock:
            self._closed = True
            self._changed.notify_all()


def _watched(parts: Iterator[bytes], kept: Beginning) -> Iterator[bytes]:
    for part in parts:
        if len(kept.text) < LONGEST_ANSWER:
            kept.text += part[: LONGEST_ANSWER - len(kept.text)]
        kept.length += len(part)
        yield part
