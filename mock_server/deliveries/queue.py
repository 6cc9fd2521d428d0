"""The running and queued deliveries of all worlds of a server."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import finalize

from crmcom_kit.mock_server.deliveries.attempts import Attempt

if TYPE_CHECKING:
    from multiprocessing.pool import ThreadPool

WORKERS = 16


class DeliveryQueue:
    """Counts all deliveries, and starts those that no request waits for.

    Threads start them, first queued first.

    Once the queue is closed, deliveries that start must not send.
    Its threads are daemons: a process ends without its queued deliveries, and does not wait for
    running ones.
    """

    def __init__(self) -> None:
        """Start empty, without threads."""
        #: Called with a world's name and each of its attempts once it has ended.
        self.on_attempt: Callable[[str, Attempt], object] = lambda *_: None
        #: Called when running deliveries must end.
        self.on_stop: Callable[[], object] = lambda: None
        #: Set while deliveries must not be sent.
        self.closed = threading.Event()
        self._unfinished = 0
        self._pool: ThreadPool | None = None
        self._condition = threading.Condition(threading.Lock())

    @contextmanager
    def track(self) -> Iterator[None]:
        """Count the delivery that the block makes."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def put(self, deliver: Callable[[], object]) -> None:
        """Queue ``deliver``, which a thread calls in its turn."""
        self._count(1)
        with self._condition:
            if self._pool is None:
                # A ThreadPoolExecutor would send all queued deliveries before the process ends.
                # Imported with the first queued delivery: most mocks queue none.
                from multiprocessing.pool import ThreadPool

                self._pool = ThreadPool(WORKERS)
                finalize(self, self._pool.terminate)
        self._pool.apply_async(self._take, [deliver])

    def _take(self, deliver: Callable[[], object]) -> None:
        try:
            deliver()
        except Exception as error:  # noqa: BLE001 - no request waits for it: log every error
            import logging
            from traceback import format_tb

            # Without the error's message, which may show secrets.
            name, lines = type(error).__name__, "".join(format_tb(error.__traceback__))
            logging.getLogger("crmcom_kit").error("A queued delivery failed: %s\n%s", name, lines)  # noqa: TRY400
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._condition:
            self._unfinished += change
            self._condition.notify_all()

    def close_after(self, wait: Callable[[], object], seconds: float) -> None:
        """Call ``wait`` in a thread, then close within ``seconds``."""

        def close() -> None:
            wait()
            self.close(seconds / 2)

        threading.Thread(target=close, daemon=True, name="delivery-closer").start()

    def close(self, seconds: float) -> bool:
        """Abandon queued deliveries, and cut those that still run after ``seconds``.

        Returns:
            True if every delivery has ended, at the latest ``seconds`` after the cut.
        """
        self.closed.set()
        if self.wait_until_idle(seconds):
            return True
        self.on_stop()
        return self.wait_until_idle(seconds)

    def reopen(self) -> None:
        """Send again after ``close``."""
        self.closed.clear()

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait ``seconds`` at most; return True if no delivery is queued or running."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._unfinished, seconds)
