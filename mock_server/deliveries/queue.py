"""Which deliveries run at this moment, and which wait for their turn: of all worlds of a server."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import finalize

from crmcom_kit.mock_server.deliveries.attempts import Attempt
from crmcom_kit.mock_server.deliveries.outcomes import Stopped

if TYPE_CHECKING:
    from multiprocessing.pool import ThreadPool

WORKERS = 16
ROOM = 1_000


class DeliveryQueue:
    """Counts deliveries until it is closed, and makes those that nobody waits for, in their order.

    Its threads are daemons: a process ends without sending what waits, and without waiting for
    what is being sent.
    """

    def __init__(self, *, at_once: int | None = None) -> None:
        """Start empty; threads are started as they are needed.

        ``at_once`` is how many slow deliveries may run while their callers wait, so that they never
        take all threads of a server; any number by default.
        """
        #: Called with a world's name and each of its attempts once it has ended.
        self.on_attempt: Callable[[str, Attempt], None] | None = None
        #: Called when running deliveries must end.
        self.on_stop: Callable[[], object] = bool
        #: Called when deliveries may be made again.
        self.on_reopen: Callable[[], object] = bool
        #: Set while nothing more is sent.
        self.closed = threading.Event()
        #: How many queued deliveries have not begun.
        self.waiting = 0
        self._running = 0
        self._slots = None if at_once is None else threading.BoundedSemaphore(at_once)
        self._pool: ThreadPool | None = None
        self._changed = threading.Condition(threading.Lock())

    @contextmanager
    def running(self, *, slow: bool) -> Iterator[bool]:
        """Count a delivery; yield whether there is room for it if it may be slow.

        Raises Stopped if the queue is closed.
        """
        with self._changed:
            if self.closed.is_set():
                raise Stopped
            self._running += 1
        slots = self._slots if slow else None
        has_room = slots is None or slots.acquire(blocking=False)
        try:
            yield has_room
        finally:
            if slots is not None and has_room:
                slots.release()
            self._end()

    def put(self, deliver: Callable[[], object]) -> bool:
        """Let a thread call ``deliver`` in its turn; return False if full or closed."""
        with self._changed:
            if self.closed.is_set() or self.waiting >= ROOM:
                return False
            if self._pool is None:
                # Not a ThreadPoolExecutor, which sends all that waits before the process ends.
                # Imported with the first queued delivery: most mocks queue none.
                from multiprocessing.pool import ThreadPool

                self._pool = ThreadPool(WORKERS)
                finalize(self, self._pool.terminate)
            self.waiting += 1
            self._pool.apply_async(self._begin, [deliver])
            return True

    def _begin(self, deliver: Callable[[], object]) -> None:
        with self._changed:
            self.waiting -= 1
            self._running += 1
        try:
            deliver()
        finally:
            self._end()

    def _end(self) -> None:
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def attempted(self, world: str, attempt: Attempt) -> None:
        """Report an attempt of a world that has ended."""
        if self.on_attempt is not None:
            self.on_attempt(world, attempt)

    def close_after(self, wait: Callable[[], object], seconds: float) -> None:
        """Close within ``seconds`` once ``wait``, which a thread calls, has returned."""

        def close() -> None:
            wait()
            self.close(seconds / 2)

        threading.Thread(target=close, daemon=True, name="delivery-closer").start()

    def close(self, seconds: float) -> bool:
        """Send nothing more: what waits is abandoned, what still runs after ``seconds`` is cut.

        Returns:
            Whether every delivery has ended, at the latest ``seconds`` after those that run were
            cut.
        """
        with self._changed:
            self.closed.set()
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
            return self._changed.wait_for(lambda: not self.waiting and not self._running, seconds)


def max_waiting(deliver: str, threads: int) -> int | None:
    """Return how many deliveries may run at once while their callers wait; None for any number."""
    return max(1, threads // 4) if deliver == "http" else None
