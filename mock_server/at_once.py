"""Requests that the thread which reads them answers itself, and answers that leave in one piece.

waitress hands every request to one of its threads. Where nothing can hold an answer up, waking a
thread, and being woken by it, costs more than the answer. The classes here take the place of
waitress's own where it lets them be chosen.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from waitress.task import ThreadedTaskDispatcher, WSGITask

if TYPE_CHECKING:
    from waitress.channel import HTTPChannel

#: Whether the answer to a GET of this path, with these headers, can be given without waiting for
#: anybody. Headers are named as CGI names them, without HTTP_ in front.
AtOnce = Callable[[str, Mapping[str, str]], bool]
_LARGE = 65_536  # bytes; copying a larger body costs more than a packet of its own for the head


class Dispatcher(ThreadedTaskDispatcher):
    """Gives requests to threads, but for those that ``at_once`` lets the reading thread answer."""

    def __init__(self, at_once: AtOnce | None) -> None:
        super().__init__()
        self._at_once = at_once
        self._reader: int | None = None
        self._ready: deque[HTTPChannel] = deque()

    def add_task(self, task: Any) -> None:
        """Take a connection whose first request is to be answered.

        waitress calls this with the connection locked, so that it can only be remembered here.
        """
        if threading.get_ident() == self._reader and self._is_prompt(task.requests[0]):
            self._ready.append(task)
        else:
            super().add_task(task)

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
