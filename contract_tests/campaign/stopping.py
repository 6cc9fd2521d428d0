"""Stop a run on Ctrl-C or SIGTERM: it ends as interrupted, and still writes its reports."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: A second signal that comes so soon is the first one, sent twice: to a process and to its group.
_TWICE = 1.0  # seconds


class Stop:
    """Whether a run was told to stop.

    An exception alone would not do: one that comes while garbage is collected, or in a callback
    of somebody's library, is swallowed there.
    """

    def __init__(self, now: Callable[[], float] = monotonic, *, notice: str = "") -> None:
        """Nothing has told it yet.

        Args:
            now: returns seconds that only grow.
            notice: what standard error gets when it is told.
        """
        self._notice = notice
        self.asked = False
        self._now, self._asked_at = now, 0.0
        self._raises = False

    def check(self) -> None:
        """Raise KeyboardInterrupt where the run was told to stop."""
        if self.asked:
            raise KeyboardInterrupt

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Have a signal break off what is inside, a wait or a call, with KeyboardInterrupt."""
        before = sys.unraisablehook

        def unraisable(one: "sys.UnraisableHookArgs", /) -> None:
            """Print no traceback of an exception that was swallowed: ``check`` raises it again."""
            if one.exc_type is not KeyboardInterrupt:
                before(one)

        sys.unraisablehook, self._raises = unraisable, True
        try:
            self.check()
            yield
        finally:
            sys.unraisablehook, self._raises = before, False

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Let signals tell it, a second one ends the process; what is ignored stays ignored."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may say what a signal does
            return
        before = {each: signal.getsignal(each) for each in _SIGNALS}
        heard = [each for each, handler in before.items() if handler is not signal.SIG_IGN]
        for each in heard:
            signal.signal(each, self._hear)
        try:
            yield
        finally:
            for each in heard:
                signal.signal(each, before[each])

    def _hear(self, number: int, _: object) -> None:
        if self.asked and self._now() - self._asked_at > _TWICE:
            os.write(2, b"Ended at once: what was not written by now is missing\n")
            sys.exit(128 + number)
        if not self.asked:
            self.asked, self._asked_at = True, self._now()
            os.write(2, self._notice.encode())  # print may be at work
        if self._raises:
            raise KeyboardInterrupt
