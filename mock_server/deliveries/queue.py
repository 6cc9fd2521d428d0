"""Deliveries that nobody waits for: a bounded queue, and a few threads that work it off."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Protocol

from crmcom_kit.mock_server.deliveries.senders import Stopped

WORKERS = 16
ROOM = 1_000
_IDLE_SECONDS = 1.0  # how long a thread without work stays


class Job(Protocol):
    """Something to send."""

    def run(self) -> None:
        """Send it; raise nothing."""
        ...

    def abandon(self) -> None:
        """Give it up before it was begun."""
        ...


class DeliveryQueue:
    """Works jobs off, in their order. All worlds of a server share one."""

    def __init__(
        self, *, workers: int = WORKERS, room: int = ROOM, at_once: int | None = None
    ) -> None:
        """Start empty.

        Args:
            workers: how many threads there are at most; they are started as they are needed.
            room: how many jobs may wait.
            at_once: how many deliveries may run that their callers wait for, so that these never
                take all threads of a server; any number where left out.
        """
        self.room = room
        self._places = None if at_once is None else threading.BoundedSemaphore(at_once)
        self._most = workers
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._waiting = self._workers = self._idle = self._open = 0
        #: Set once no more is sent.
        self.closed = threading.Event()
        self._stops: list[Callable[[], None]] = []
        self._ending: tuple[threading.Event, float] | None = None

    def put(self, job: Job) -> bool:
        """Have a job done soon; False where there is no room, or no more is sent."""
        with self._lock:
            if self.closed.is_set() or self._waiting >= self.room:
                return False
            self._watch()
            self._waiting += 1
            self._open += 1
            self._jobs.put(job)
            if self._waiting > self._idle and self._workers < self._most:
                self._workers += 1
                threading.Thread(target=self._work, daemon=True, name="outbox").start()
            return True

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Take one of the places for deliveries that take time; tell whether one was free."""
        if self._places is None:
            yield True
            return
        found = self._places.acquire(blocking=False)
        try:
            yield found
        finally:
            if found:
                self._places.release()

    @property
    def waiting(self) -> int:
        """How many jobs are not begun yet."""
        return self._waiting

    def _work(self) -> None:
        while True:
            job = self._next()
            if job is None:
                return
            try:
                if self.closed.is_set():
                    job.abandon()
                else:
                    job.run()
            finally:
                self._end()

    def _end(self) -> None:
        with self._lock:
            self._open -= 1

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count what its caller sends by itself among what runs. Raises Stopped once closed."""
        with self._lock:
            if self.closed.is_set():
                raise Stopped
            self._watch()
            self._open += 1
        try:
            yield
        finally:
            self._end()

    def _next(self) -> Job | None:
        """Return the next job; None where this thread is not needed any more."""
        with self._lock:
            self._idle += 1
        job: Job | None = None
        with suppress(queue.Empty):
            job = self._jobs.get(timeout=_IDLE_SECONDS)
        with self._lock:
            self._idle -= 1
            if job is None:
                # Once more, under the lock: ``put`` counted on this thread until now.
                with suppress(queue.Empty):
                    job = self._jobs.get_nowait()
            if job is None:
                self._workers -= 1
            else:
                self._waiting -= 1
        return job

    def end_with(self, closing: threading.Event, seconds: float) -> None:
        """Close, within ``seconds``, once ``closing`` is set.

        A thread waits for it from the first delivery on: a process that is forked before that has
        one of its own.
        """
        self._ending = (closing, seconds)

    def _watch(self) -> None:
        if self._ending is None:
            return
        (closing, seconds), self._ending = self._ending, None

        def wait() -> None:
            closing.wait()
            self.close(seconds / 2)

        threading.Thread(target=wait, daemon=True, name="outbox's end").start()

    def on_stop(self, stop: Callable[[], None]) -> None:
        """Have ``stop`` called when what is still on its way has to end."""
        self._stops.append(stop)

    def close(self, seconds: float) -> bool:
        """Send nothing more: give up what waits, and what still runs after ``seconds``.

        Returns:
            Whether every job has ended, at the latest ``seconds`` after those that run were cut.
        """
        with self._lock:
            self.closed.set()
        with suppress(queue.Empty):
            while True:
                job = self._jobs.get_nowait()
                with self._lock:
                    self._waiting -= 1
                try:
                    job.abandon()
                finally:
                    self._end()
        if self.ended(seconds):
            self._stop()
            return True
        self._stop()
        return self.ended(seconds)

    def _stop(self) -> None:
        for stop in self._stops:
            stop()

    def ended(self, seconds: float) -> bool:
        """Wait until nothing runs any more, ``seconds`` at most; tell whether that is so."""
        deadline = monotonic() + seconds
        pause = threading.Event()
        while self._open:
            if monotonic() >= deadline:
                return False
            pause.wait(0.01)
        return True


def max_waiting(deliver: str, threads: int) -> int | None:
    """Return how many deliveries may run at once while their callers wait; None for any number."""
    return max(1, threads // 4) if deliver == "http" else None
