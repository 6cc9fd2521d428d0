"""Queued deliveries: a bounded queue, worked off by a few threads until it is closed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol
from weakref import finalize

from crmcom_kit.mock_server.deliveries.attempts import Attempt
from crmcom_kit.mock_server.deliveries.senders import Stopped

if TYPE_CHECKING:
    from multiprocessing.pool import ThreadPool

WORKERS = 16
ROOM = 1_000


class Job(Protocol):
    """A delivery to make."""

    def run(self) -> None:
        """Make it; raise nothing."""
        ...

    def abandon(self) -> None:
        """Give it up before it was begun."""
        ...


class DeliveryQueue:
    """Makes deliveries in their order. All worlds of a server share one queue.

    The threads are daemons: a process ends without sending what waits, and without waiting for
    what is being sent.
    """

    def __init__(
        self, *, workers: int = WORKERS, room: int = ROOM, at_once: int | None = None
    ) -> None:
        """Start empty; threads are started as they are needed.

        Args:
            workers: how many threads there are at most.
            room: how many jobs may wait.
            at_once: how many slow deliveries may run while their callers wait, so that they never
                take all threads of a server; any number by default.
        """
        self.room = room
        #: Called with a world's name and each of its attempts once it has ended.
        self.on_attempt: Callable[[str, Attempt], None] | None = None
        #: Called when running deliveries must end.
        self.on_stop: Callable[[], object] = bool
        #: Called when deliveries may be made again.
        self.on_reopen: Callable[[], object] = bool
        #: How many attempts have ended with each outcome, or were abandoned.
        #: Set while nothing more is sent.
        self.closed = threading.Event()
        self._workers = workers
        self._slots = None if at_once is None else threading.BoundedSemaphore(at_once)
        self._pool: ThreadPool | None = None
        self._changed = threading.Condition(threading.Lock())
        self._jobs: dict[int, Job] = {}  # that have not begun, by id
        self._running = 0

    def put(self, job: Job) -> bool:
        """Queue a job; return False if full or closed."""
        with self._changed:
            if self.closed.is_set() or len(self._jobs) >= self.room:
                return False
            if self._pool is None:
                # Not a ThreadPoolExecutor, which sends all that waits before the process ends.
                # Imported with the first queued delivery: most mocks queue none.
                from multiprocessing.pool import ThreadPool

                self._pool = ThreadPool(self._workers)
                finalize(self, self._pool.terminate)
            self._jobs[id(job)] = job
            self._pool.apply_async(self._run, [job])
            return True

    def _run(self, job: Job) -> None:
        with self._changed:
            if self._jobs.pop(id(job), None) is None:  # abandoned meanwhile
                return
            self._running += 1
        try:
            job.run()
        finally:
            self._end()

    def _end(self) -> None:
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    @contextmanager
    def slot(self) -> Iterator[bool]:
        """Take one of the slots for slow deliveries; yield whether one was free."""
        found = self._slots is None or self._slots.acquire(blocking=False)
        try:
            yield found
        finally:
            if found and self._slots is not None:
                self._slots.release()

    def attempted(self, world: str, attempt: Attempt) -> None:
        """Report an attempt of a world that has ended."""
        if self.on_attempt is not None:
            self.on_attempt(world, attempt)

    @property
    def waiting(self) -> int:
        """How many jobs have not begun."""
        return len(self._jobs)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count a delivery that its caller makes. Raises Stopped if the queue is closed."""
        with self._changed:
            if self.closed.is_set():
                raise Stopped
            self._running += 1
        try:
            yield
        finally:
            self._end()

    def close_after(self, wait: Callable[[], object], seconds: float) -> None:
        """Close within ``seconds`` once ``wait``, which a thread calls, has returned."""

        def close() -> None:
            wait()
            self.close(seconds / 2)

        threading.Thread(target=close, daemon=True, name="delivery-closer").start()

    def close(self, seconds: float) -> bool:
        """Send nothing more: abandon what waits, and cut what still runs after ``seconds``.

        Returns:
            Whether every job has ended, at the latest ``seconds`` after those that run were cut.
        """
        with self._changed:
            self.closed.set()
            jobs, self._jobs = self._jobs, {}
            self._running += len(jobs)  # until each is abandoned
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()
        for job in jobs.values():
            try:
                job.abandon()
            finally:
                self._end()
        ended = self.ended(seconds)
        self.on_stop()
        return ended or self.ended(seconds)

    def reopen(self) -> None:
        """Send again after ``close``."""
        self.on_reopen()
        self.closed.clear()

    def ended(self, seconds: float) -> bool:
        """Wait until nothing waits or runs, ``seconds`` at most; return whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._jobs and not self._running, seconds)


def max_waiting(deliver: str, threads: int) -> int | None:
    """Return how many deliveries may run at once while their callers wait; None for any number."""
    return max(1, threads // 4) if deliver == "http" else None
