"""Requests that the thread which reads them answers itself, and answers that leave in one piece.

waitress hands every request to one of its threads. Where nothing can hold an answer up, waking a
thread, and being woken by it, costs more than the answer. The classes here take the place of
waitress's own where it lets them be chosen.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from waitress.task import ThreadedTaskDispatcher, WSGITask

from crmcom_kit.mock_server.protocol.request import HEAD_BYTES

if TYPE_CHECKING:
    from waitress.channel import HTTPChannel

#: Whether the answer to a GET of this path, with these headers, can be given without waiting for
#: anybody. Headers are named as CGI names them, without HTTP_ in front.
AtOnce = Callable[[str, Mapping[str, str]], bool]
_MIN_COUNT = 2  # threads for control calls: one may wait for what another does
_LARGE = 65_536  # bytes; copying a larger body costs more than a packet of its own for the head


class Dispatcher(ThreadedTaskDispatcher):
    """Gives requests to threads, but for those that ``at_once`` lets the reading thread answer.

    Calls of the control API have threads of their own, made for the first one: else calls that a
    fault delays could hold all of them, and with these the call that takes the fault away.
    """

    def __init__(self, at_once: AtOnce | None, *, is_control: Callable[[str], bool]) -> None:
        super().__init__()
        self._at_once = at_once
        self._is_control = is_control
        self._of_control = ThreadedTaskDispatcher()
        self._threads = 0
        self._reader: int | None = None
        self._ready: deque[HTTPChannel] = deque()

    def add_task(self, task: Any) -> None:
        """Take a connection whose first request is to be answered.

        waitress calls this with the connection locked, so that it can only be remembered here.
        """
        request = task.requests[0]
        if threading.get_ident() == self._reader and self._is_prompt(request):
            self._ready.append(task)
        elif not request.error and self._is_control(request.path):
            self._of_control.set_thread_count(self._threads)
            self._of_control.add_task(task)
        else:
            super().add_task(task)

    def set_thread_count(self, count: int) -> None:
        """Answer with so many threads, and control calls with as many others where there are any.

        Half of these may wait for something to happen; see ``Waiting``.
        """
        self._threads = max(count, _MIN_COUNT) if count else 0
        super().set_thread_count(count)
        if self._of_control.threads:
            self._of_control.set_thread_count(self._threads)

    def shutdown(self, cancel_pending: bool = True, timeout: int = 5) -> bool:  # noqa: FBT001, FBT002 - waitress's
        """End all threads."""
        ended = self._of_control.shutdown(cancel_pending, timeout)
        return bool(super().shutdown(cancel_pending, timeout)) and bool(ended)

    def _is_prompt(self, request: Any) -> bool:
        if self._at_once is None or request.error or request.body_rcv is not None:
            return False
        return request.command == "GET" and self._at_once(request.path, request.headers)

    def answer_ready(self) -> None:
        """Answer what can be answered at once; for the thread that reads, after each reading."""
        self._reader = threading.get_ident()
        while self._ready:
            channel = self._ready.popleft()
            try:
                channel.service()
            except Exception:  # as in waitress's own threads: the server goes on
                logging.getLogger("waitress").exception("Exception when servicing %r", channel)


class Task(WSGITask):
    """Sends the head of an answer together with its body: one packet, one call of the system."""

    def get_environment(self) -> dict[str, Any]:
        """Return the WSGI environ, which also tells how long the request's head is."""
        environ: dict[str, Any] = super().get_environment()
        environ[HEAD_BYTES] = cast("Any", self.request).header_bytes_received
        return environ

    def write(self, data: bytes) -> None:
        """Send a part of the body, behind the head where it is the first."""
        if data and self.complete and self.has_body and not self.wrote_header:
            head = self.build_response_header()
            self.wrote_header = True
            length = self.content_length
            if length is not None and len(data) <= min(length, _LARGE):
                self.channel.write_soon(head + data)
                self.content_bytes_written += len(data)
                return
            self.channel.write_soon(head)
        super().write(data)
