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

    def __init__(self) -> None:
        """Start empty; threads are started as they are needed."""
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
        self._pool: ThreadPool | None = None
        self._changed = threading.Condition(threading.Lock())

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count a delivery whose caller waits. Raises Stopped if the queue is closed."""
        with self._changed:
            if self.closed.is_set():
                raise Stopped
            self._running += 1
        try:
            yield
        finally:
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
