"""Stop a run on Ctrl-C or SIGTERM: it ends as interrupted, and still writes its reports."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: Within so many seconds a second signal is the first one, sent to a process and to its group.
_TWICE = 1.0


class Stop:
    """Decides whether a run should stop.

    An exception alone is not enough: during garbage collection, or in a callback of some library,
    it would be swallowed.
    """

    def __init__(self, now: Callable[[], float] = monotonic, *, notice: str = "") -> None:
        """The run goes on.

        Args:
            now: returns seconds that never go back.
            notice: what is written to standard error when the run should stop.
        """
        self._notice = notice
        self.is_requested = False
        self._now, self._requested_at = now, 0.0
        self._raises = False

    def check(self) -> None:
        """Raise KeyboardInterrupt if the run should stop."""
        if self.is_requested:
            raise KeyboardInterrupt

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Have a signal end the block, also a wait in it, with KeyboardInterrupt."""
        hook_before = sys.unraisablehook

        def unraisable(args: "sys.UnraisableHookArgs", /) -> None:
            """Print no traceback of a swallowed exception: ``check`` raises it again."""
            if args.exc_type is not KeyboardInterrupt:
                hook_before(args)

        sys.unraisablehook, self._raises = unraisable, True
        try:
            self.check()
            yield
        finally:
            sys.unraisablehook, self._raises = hook_before, False

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Stop on signals, unless they are ignored; a second one ends the process."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may set handlers
            return
        handlers = {number: signal.getsignal(number) for number in _SIGNALS}
        numbers = [number for number, handler in handlers.items() if handler is not signal.SIG_IGN]
        for number in numbers:
            signal.signal(number, self._hear)
        try:
            yield
        finally:
            for number in numbers:
                signal.signal(number, handlers[number])

    def _hear(self, number: int, _: object) -> None:
        if self.is_requested and self._now() - self._requested_at > _TWICE:
            os.write(2, b"Ended at once: what was not written by now is missing\n")
            sys.exit(128 + number)
        if not self.is_requested:
            self.is_requested, self._requested_at = True, self._now()
            os.write(2, self._notice.encode())  # print may be at work
        if self._raises:
            raise KeyboardInterrupt
