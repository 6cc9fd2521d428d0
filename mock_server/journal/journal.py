"""What was asked of a world and what it answered: the last calls, within bounds.

A call is kept as it came, since most of them nobody ever asks for; what is told of it (masked, read
into parameters, explained) is made in ``calls`` when somebody does.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import takewhile
from operator import itemgetter
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from crmcom_kit.mock_server.protocol.request import Headers, Request, header_bytes
from crmcom_kit.mock_server.protocol.response import Response

if TYPE_CHECKING:
    from crmcom_kit.mock_server.faults.model import Fault

#: A longer answer is noted up to here.
MAX_ANSWER = 262_144
# What a note takes besides texts and headers.
_OWN_BYTES = 1_100
_MAX_DIGITS = 15
_T = TypeVar("_T")


class JournalLimits(NamedTuple):
    """How much a journal holds; the oldest calls go first."""

    entries: int = 1_000
    bytes: int = 8_388_608


class Note(NamedTuple):
    """One call, as it came."""

    number: int  # counted from 1 in each epoch's journal
    at: datetime  # of the world's clock, when it began
    request: Request
    answer: Response
    text: "bytes | Beginning"  # the answer's body
    fault: "Fault | None"


@dataclass(slots=True, eq=False)
class Beginning:
    """The beginning of an answer that is streamed."""

    text: bytes = b""
    length: int = 0  # of the whole, as far as it was sent
    reckoned: int = MAX_ANSWER  # what it counts for; 0 once it is out of the journal


#: What a note has besides its number and moment: request, answer, the answer's body, fault.
Made = tuple[Request, Response, bytes | Beginning, "Fault | None"]
#: A call as it is noted: at, what makes the rest and of what, and how many bytes it takes.
_Fresh = tuple[datetime, Callable[..., Made], tuple[object, ...], int]
_Kept = tuple[int, _Fresh]  # numbered
_SIZE = itemgetter(3)
_AT_ONCE = 64  # calls that may be neither numbered nor counted
_LARGE = 16_384  # bytes; a larger one is counted at once, so that the journal stays within bounds


def _whole(*made: Any) -> Made:
    return made


#: A call of which a journal that holds none knows only that there was one.
_PASSED: _Fresh = (datetime.min.replace(tzinfo=UTC), _whole, (), 0)


def _streamed(*made: Any) -> Made:
    return made


def _anew(
    request: Request, again: Callable[[], Response], method: str, warnings: Sequence[str]
) -> Made:
    answer = again()
    answer.method, answer.warnings = method, warnings
    body = answer.body
    return request, answer, body[:MAX_ANSWER] if isinstance(body, bytes) else b"", None


def _made(kept: _Kept) -> Note:
    number, (at, make, given, _) = kept
    return Note(number, at, *make(*given))


class Journal:
    """The last calls of one world, newest last."""

    __slots__ = (
        "_begun", "_bytes", "_changed", "_closed", "_fresh", "_last", "_limits", "_lock",
        "_notes", "_waiting", "keeps",
    )  # fmt: skip

    def __init__(self, limits: JournalLimits | None = None, *, begun: int = 0) -> None:
        """Start empty; ``begun`` tells a world's journals apart: the epoch that each began in."""
        self._limits = JournalLimits() if limits is None else limits
        #: Whether it holds any calls at all.
        self.keeps = self._limits.entries > 0
        self._begun = begun
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._notes: deque[_Kept] = deque()
        self._fresh: deque[_Fresh] = deque()  # noted, and neither numbered nor counted yet
        self._bytes = self._last = self._waiting = 0
        self._closed = False

    def note(
        self, at: datetime, request: Request, answer: Response, fault: "Fault | None" = None
    ) -> None:
        """Note a call that is answered, or about to be."""
        if not self.keeps:
            self.pass_by()
            return
        body, headers, make = answer.body, request.headers, _whole
        kept: bytes | Beginning
        if isinstance(body, bytes):
            kept = body
            if len(body) > MAX_ANSWER:
                kept = body[:MAX_ANSWER]
                answer = replace(answer, body=kept)  # or the whole would stay
            size = len(kept)
        else:
            kept, make = Beginning(), _streamed
            answer.body = self._watched(body, kept)
            size = MAX_ANSWER
        values = headers.texts() if isinstance(headers, Headers) else headers.values()
        size += header_bytes(values) + len(request.query) + len(request.body or b"")
        if answer.before is not None and answer.before is not answer.after:
            size += len(answer.before)  # the store has it no more
        if answer.again is None or fault is not None or make is _streamed:
            self.note_later(at, make, (request, answer, kept, fault), size)
        else:  # without the body, whose memory is warm for the next one
            given = (request, answer.again, answer.method, answer.warnings)
            self.note_later(at, _anew, given, size)

    def note_later(
        self, at: datetime, make: Callable[..., Made], given: tuple[object, ...], size: int
    ) -> None:
        """Note a call of which ``make(*given)`` returns the rest when somebody asks.

        ``size`` is how many bytes what it keeps has: query, body, answer, headers.
        """
        # Appending is one step, which needs no lock; numbers and bounds come for many at a time.
        self._fresh.append((at, make, given, size + _OWN_BYTES))
        if size > _LARGE or self._waiting or len(self._fresh) >= _AT_ONCE:
            self._settle_and_tell()

    def pass_by(self) -> None:
        """Number a call that is not kept."""
        self._fresh.append(_PASSED)
        if self._waiting or len(self._fresh) >= _AT_ONCE:
            self._settle_and_tell()

    def _settle_and_tell(self) -> None:
        with self._lock:
            self._settle()
            if self._waiting:
                self._changed.notify_all()

    def _settle(self) -> None:
        """Number and count the calls that were noted since the last time, under the lock."""
        fresh = [self._fresh.popleft() for _ in range(len(self._fresh))]
        if not fresh:
            return
        numbered = enumerate(fresh, self._last + 1)
        self._notes.extend(each for each in numbered if each[1] is not _PASSED)
        self._last += len(fresh)
        self._bytes += sum(map(_SIZE, fresh))
        self._shorten()

    def _shorten(self) -> None:
        entries, most = self._limits
        notes = self._notes
        while notes and (self._bytes > most or len(notes) > entries):
            self._forget(notes.popleft())

    def _forget(self, kept: _Kept) -> None:
        """Count a call no more."""
        _, make, given, size = kept[1]
        self._bytes -= size
        if make is _streamed:
            beginning: Beginning = given[2]  # type: ignore[assignment]
            self._bytes += MAX_ANSWER - beginning.reckoned
            beginning.reckoned = 0

    def _watched(self, parts: Iterator[bytes], kept: Beginning) -> Iterator[bytes]:
        """Yield ``parts``, keep their beginning, and count it for what it is in the end."""
        try:
            for part in parts:
                if len(kept.text) < MAX_ANSWER:
                    kept.text += part[: MAX_ANSWER - len(kept.text)]
                kept.length += len(part)
                yield part
        finally:
            with self._lock:
                self._settle()
                if kept.reckoned:
                    self._bytes -= kept.reckoned - len(kept.text)
                    kept.reckoned = len(kept.text)

    @property
    def limits(self) -> JournalLimits:
        """How much it holds."""
        return self._limits

    def limit(self, limits: JournalLimits) -> None:
        """Hold so much from now on."""
        with self._lock:
            self._settle()
            self._limits, self.keeps = limits, limits.entries > 0
            self._shorten()

    @property
    def last(self) -> int:
        """The number of the last call, which is how many there were."""
        with self._lock:
            self._settle()
            return self._last

    @property
    def size(self) -> int:
        """How many bytes the calls in it take, by its own reckoning."""
        with self._lock:
            self._settle()
            return self._bytes

    @property
    def closed(self) -> bool:
        """Whether a reset has put another journal in its place."""
        return self._closed

    def id_of(self, number: int) -> str:
        """Return the id of a call: no other one of this world has it, before or after a reset."""
        return f"{self._begun}-{number}"

    def number_of(self, id: str) -> int:
        """Return the number of the call of that id; 0 where it is none of this journal's."""
        begun, _, number = id.partition("-")
        ours = begun == str(self._begun) and number.isascii() and number.isdecimal()
        return int(number) if ours and len(number) <= _MAX_DIGITS else 0

    def notes(self, since: int = 0) -> list[Note]:
        """Return the calls in it whose numbers are above ``since``, oldest first."""
        with self._lock:
            self._settle()
            found = list(takewhile(lambda kept: kept[0] > since, reversed(self._notes)))
        return [_made(kept) for kept in reversed(found)]

    def find(self, number: int) -> Note | None:
        """Return the call of that number, where it is still here."""
        with self._lock:
            self._settle()
            found = next((kept for kept in self._notes if kept[0] == number), None)
        return None if found is None else _made(found)

    def clear(self) -> None:
        """Forget all calls; numbers go on."""
        with self._lock:
            self._settle()
            for kept in self._notes:
                self._forget(kept)
            self._notes.clear()

    def remove(self, numbers: frozenset[int]) -> int:
        """Forget some calls; return how many were there."""
        with self._lock:
            self._settle()
            gone = [kept for kept in self._notes if kept[0] in numbers]
            for kept in gone:
                self._forget(kept)
            self._notes = deque(kept for kept in self._notes if kept[0] not in numbers)
            return len(gone)

    def wait_for(self, found: Callable[[], _T | None], seconds: float) -> _T | None:
        """Return what ``found`` returns as soon as it is not None; None when time is over.

        It is asked at once, after each call that is noted or nudge, and not under the journal's
        lock. ``seconds`` are the machine's.
        """
        deadline = monotonic() + seconds
        with self._lock:
            self._waiting += 1
            self._settle()
            seen = self._last
        try:
            while True:
                result = found()
                left = deadline - monotonic()
                if result is not None or left <= 0 or self._closed:
                    return result
                with self._lock:
                    self._settle()
                    if self._last == seen:
                        # Not for ever: records change without a call, too.
                        self._changed.wait(min(left, 0.2))
                        self._settle()
                    seen = self._last
        finally:
            with self._lock:
                self._waiting -= 1

    def close(self) -> None:
        """Let go of all who wait; a reset has put another journal in its place."""
        with self._lock:
            self._closed = True
            self._changed.notify_all()
