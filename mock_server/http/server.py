"""Serving over HTTP: waitress with threads, a clean start and a clean end."""

import logging
import re
import signal
import socket
import threading
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import create_server

from crmcom_kit.mock_server.http.at_once import AtOnce, Dispatcher, Task
from crmcom_kit.mock_server.http.transmission import ConnectionCut, ConnectionDropped
from crmcom_kit.mock_server.world.routing import is_control, split_path

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: Seconds that running requests have to finish in once the server is told to stop.
GRACE_SECONDS = 10.0
#: Longest body that is read, in bytes; long ones wait in files. It is beyond what the mock itself
#: refuses, so that the refusal is its own and not the server's: the longest that the mock takes is
#: a world for the place of another.
MAX_BODY_BYTES = 1024**3 + 1024**2
#: Longest head of a request that is read, in bytes: the journal keeps it.
MAX_HEAD_BYTES = 64 * 1024
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")


class ServeError(OSError):
    """The server cannot be started: which address, and why."""


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to ``host`` and ``port`` (0: a free one). Raises ServeError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        msg = f"host: {host!r} is no address of this machine: {why}"
        raise ServeError(msg) from None
    # IPv4 first: a name such as localhost has both, and most clients try this one.
    family, kind, protocol, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        hint = "; --port names another one, 0 a free one" if port else ""
        msg = f"cannot listen on {host} port {port}: {error.strerror}{hint}"
        raise ServeError(msg) from None
    return bound


def _is_control(path: str) -> bool:
    return is_control(split_path(path)[1])


class _Parser(HTTPRequestParser):
    """Reads the request line as clients write it: curl sends what is beyond ASCII as it stands."""

    def parse_header(self, header_plus: bytes) -> None:
        if not header_plus.isascii():
            line, *rest = header_plus.split(b"\r\n", 1)
            line = _BEYOND_ASCII.sub(lambda found: b"%%%02X" % found[0][0], line)
            header_plus = b"\r\n".join([line, *rest])
        try:
            super().parse_header(header_plus)
        except ValueError:  # Python's, about a host such as `[x`, which waitress lets through
            msg = "Bad URI"
            raise ParsingError(msg) from None


class _Task(Task):
    """Sends an answer, or as much of it as a fault lets through."""

    def service(self) -> None:
        try:
            super().service()
        except ConnectionDropped:
            self.close_on_finish = True  # what earlier answers left unsent still goes out
        except ConnectionCut:
            self.write(b"")  # the head, where no part of the body was sent
            self.close_on_finish = True


class _Channel(HTTPChannel):
    """A connection whose requests ``_Parser`` reads and ``_Task`` answers."""

    parser_class = _Parser
    task_class = _Task

    def check_client_disconnected(self) -> bool:  # type: ignore[override]  # its stub says None
        """Whether the caller has left; waitress hands this to the application.

        waitress itself finds out when it reads again, which is after the answer. Reading ahead
        would make it drop the answers of callers who close their own direction only.
        """
        connection: Any = self.socket  # None where it was never made, says its stub
        try:
            return not self.connected or not connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:  # nothing to read yet
            return False
        except OSError:
            return True


class Server:
    """A waitress server that finishes running requests before it ends."""

    def __init__(
        self,
        app: "WSGIApplication",
        listening: socket.socket,
        *,
        threads: int,
        closing: threading.Event | None = None,
        at_once: AtOnce | None = None,
    ) -> None:
        """Accept connections on ``listening``; answer with ``threads`` threads.

        Args:
            app: what answers.
            listening: a bound socket.
            threads: how many requests are answered at the same time; as many more where they are
                calls of the control API.
            closing: set once the server is told to stop, so that calls that wait end.
            at_once: says which requests need no thread, since nothing can hold their answers up.
        """
        self._closing = threading.Event() if closing is None else closing
        # A busy mock is no news; what goes wrong inside the server is.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._map: dict[int, Any] = {}
        self._dispatcher = Dispatcher(at_once, is_control=_is_control)
        self._dispatcher.set_thread_count(threads)
        server = create_server(
            app,
            map=self._map,
            _dispatcher=self._dispatcher,
            sockets=[listening],
            connection_limit=1000,
            asyncore_use_poll=True,
            max_request_header_size=MAX_HEAD_BYTES,
            max_request_body_size=MAX_BODY_BYTES,
            clear_untrusted_proxy_headers=True,
            ident=None,
        )
        self._server = cast("Any", server)  # its stubs know less than it has
        self._server.channel_class = _Channel
        self._stopping = False
        # Its trigger must not be pulled once it is closed: the descriptor may be another's then.
        self._ending = threading.RLock()  # again by the same thread: a signal may come in it

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.effective_port)

    def stop(self) -> None:
        """End ``run`` as soon as running requests are answered. May be called from anywhere."""
        with self._ending:
            self._stopping = True
            self._server.pull_trigger()

    def run(self, *, grace: float | None = None) -> None:
        """Serve until ``stop`` is called; cut off what is not answered ``grace`` seconds later."""
        while not self._stopping:
            self._turn(1.0)
        self._closing.set()  # not in ``stop``, which a signal may interrupt to call it again
        self._server.del_channel()
        self._server.socket.close()
        deadline = monotonic() + (GRACE_SECONDS if grace is None else grace)
        while self._busy() and monotonic() < deadline:
            self._turn(max(0.0, min(0.05, deadline - monotonic())))
        if self._busy() and grace is not None:
            # Its own way to end waits in steps of 0.1 s, and complains of whoever still runs.
            self._dispatcher.set_thread_count(0)
        else:
            self._dispatcher.shutdown(timeout=1)
        with self._ending:
            self._server.pull_trigger = bool  # nobody is there to be woken
            for channel in list(self._map.values()):
                channel.close()

    def _turn(self, seconds: float) -> None:
        self._server.asyncore.loop(timeout=seconds, map=self._map, use_poll=True, count=1)
        self._dispatcher.answer_ready()

    def _busy(self) -> bool:
        """Whether any connection has a request that is not answered yet."""
        return any(
            getattr(channel, "requests", None) or getattr(channel, "total_outbufs_len", 0)
            for channel in list(self._map.values())
        )


def run_until_signalled(server: Server, ready: Callable[[], None]) -> None:
    """Call ``ready``, then serve until SIGTERM or Ctrl-C; a second signal ends at once."""

    def stop(number: int, frame: object) -> None:
        del frame
        signal.signal(number, signal.SIG_DFL)
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    ready()
    server.run()
