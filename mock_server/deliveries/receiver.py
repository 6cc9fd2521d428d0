"""The built-in receiver of webhook requests: it answers from a script and keeps what it gets."""

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from crmcom_kit.mock_server.clock import WorldClock

#: How many bytes are kept of a body, and of each text in its verdict.
MAX_BODY = 65_536
MAX_KEPT = 200
_MAX_BYTES = 4_194_304


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverAnswer:
    """One answer of the script."""

    status: int = 200
    body: str = ""
    delay: float = 0.0  # seconds of the world
    times: int | None = None  # how often; None forever


class Received(NamedTuple):
    """One request that the receiver got."""

    number: int  # counted from 1
    at: datetime  # of the world's clock
    verb: str
    headers: tuple[tuple[str, str], ...]
    body: bytes  # only the beginning of a very long one
    size: int
    answer: ReceiverAnswer
    verdict: Any  # on its signature, of the whole body

    @property
    def named(self) -> dict[str, str]:
        """The headers by name in lower case."""
        return {name.lower(): value for name, value in self.headers}


class Receiver:
    """The receiver of one world."""

    def __init__(self, clock: WorldClock) -> None:
        """Start with status 200 for every request, and without requests."""
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: tuple[ReceiverAnswer, ...] = (ReceiverAnswer(),)
        self._given = 0  # answers given since they were set
        self._kept: deque[Received] = deque()
        self._bytes = self._last = 0

    @property
    def answers(self) -> tuple[ReceiverAnswer, ...]:
        """The answers that it gives, one after another; the last one forever."""
        return self._answers

    def answer_with(self, answers: Iterable[ReceiverAnswer]) -> None:
        """Give these answers from now on, from the first one; without any, status 200."""
        with self._lock:
            self._answers = tuple(answers) or (ReceiverAnswer(),)
            self._given = 0

    def take(self, verb: str, headers: Mapping[str, str], body: bytes, verdict: Any) -> Received:
        """Keep a request and return it with its answer, whose delay the caller waits for."""
        with self._lock:
            answer = self._next()
            self._last += 1
            kept = Received(
                self._last, self._clock.now(), verb, tuple(headers.items()),
                body[:MAX_BODY], len(body), answer, verdict,
            )  # fmt: skip
            self._kept.append(kept)
            self._bytes += _size(kept)
            while len(self._kept) > MAX_KEPT or self._bytes > _MAX_BYTES:
                self._bytes -= _size(self._kept.popleft())
            return kept

    def _next(self) -> ReceiverAnswer:
        given = self._given
        self._given += 1
        for answer in self._answers:
            if answer.times is None or given < answer.times:
                return answer
            given -= answer.times
        return self._answers[-1]

    @property
    def last(self) -> int:
        """How many requests it got, including those no longer kept."""
        return self._last

    def requests(self) -> list[Received]:
        """Return the requests that are still kept, oldest first."""
        with self._lock:
            return list(self._kept)

    def forget(self) -> int:
        """Forget the requests; return how many there were. Numbers go on."""
        with self._lock:
            gone = len(self._kept)
            self._kept.clear()
            self._bytes = 0
            return gone


def _size(kept: Received) -> int:
    headers = sum(len(name) + len(value) for name, value in kept.headers)
    return len(kept.body) + headers + len(str(kept.verdict)) + 500
