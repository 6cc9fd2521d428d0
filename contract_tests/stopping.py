"""Stop a run on Ctrl-C or SIGTERM: it ends as interrupted, and still writes its reports."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether a run was told to stop.

    An exception alone would not do: one that comes while garbage is collected, or in a callback
    of somebody's library, is swallowed there.
    """

    def __init__(self) -> None:
        """Nothing has told it yet."""
        self.asked = False
        self._raises = False

    def check(self) -> None:
        """Raise KeyboardInterrupt where the run was told to stop."""
        if self.asked:
            raise KeyboardInterrupt

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Have a signal break off what is inside, a wait or a call, with KeyboardInterrupt."""
        self._raises = True
        try:
            self.check()
            yield
        finally:
            self._raises = False

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
        if self.asked:
            sys.exit(128 + number)
        self.asked = True
        if self._raises:
            raise KeyboardInterrupt
