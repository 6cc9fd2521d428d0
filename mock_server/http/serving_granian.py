"""Serving over HTTP with granian, a compiled server that comes with the extra ``fast``.

granian answers in a child process. On systems that fork, the child inherits the application that
this process has made; on others it makes its own from the same arguments.
"""

import ctypes
import multiprocessing
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from crmcom_kit.mock_server.http.arriving import with_whole_bodies
from crmcom_kit.mock_server.http.server import (
    GRACE_SECONDS,
    MAX_HEAD_BYTES,
    ServeError,
    bound_socket,
)
from crmcom_kit.mock_server.http.transmission import ConnectionCut, ConnectionDropped
from crmcom_kit.mock_server.protocol.response import FAULT_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Seconds in which the child process must have begun to accept.
START_SECONDS = 60.0

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Served(NamedTuple):
    """What granian's child serves."""

    app: "WSGIApplication"
    closing: threading.Event  # set once the child is told to stop, so that calls that wait end


def serve_with_granian(
    make_served: Callable[[], Served],
    *,
    host: str,
    port: int,
    threads: int,
    ready: Callable[[int], None],
) -> None:
    """Serve until SIGTERM or Ctrl-C; call ``ready`` with the port once connections are accepted.

    Args:
        make_served: makes what is served; must be picklable where processes are not forked.
        host: the address to listen on.
        port: the port to listen on; 0 picks a free one.
        threads: requests answered at the same time.
        ready: called from a thread of its own.

    Raises:
        ServeError: granian is not installed, the address cannot be listened on, or the child
            process does not come up.
    """
    try:
        from granian import Granian
        from granian.constants import HTTPModes, Interfaces
        from granian.http import HTTP1Settings
    except ImportError:
        msg = "server granian is not installed; it comes with crmcom-kit[fast]"
        raise ServeError(msg) from None
    bound_socket(host, port).close()  # says clearly what granian's child could not
    reserved, port = _reserved(host, port)
    if multiprocessing.get_start_method() == "fork":
        served = make_served()  # here, so that what is wrong with its arguments is said here
        loader = partial(_inherited, served)  # which no process has to pickle
    else:
        loader = partial(_made, make_served)
    server = Granian(
        "crmcom-kit",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,  # the way in which faults end connections is that of HTTP/1.1
        http1_settings=HTTP1Settings(max_buffer_size=MAX_HEAD_BYTES),
        workers=1,
        blocking_threads=threads,
        workers_kill_timeout=int(GRACE_SECONDS),
        log_enabled=False,
        websockets=False,
    )
    waiting = threading.Thread(target=_tell, args=(host, port, ready), daemon=True)
    waiting.start()
    try:
        server.serve(target_loader=loader)
    except SystemExit:
        msg = "server granian: its process ended by itself"
        raise ServeError(msg) from None
    finally:
        if reserved is not None:
            reserved.close()


def _inherited(served: Served, target: str) -> "WSGIApplication":
    """Return the application in the child process; granian hands over its target's name."""
    del target
    _end_with_parent()
    _close_when_signalled(served.closing)
    return with_endings(with_whole_bodies(served.app))


def _made(make_served: Callable[[], Served], target: str) -> "WSGIApplication":
    """Make the application in the child process."""
    return _inherited(make_served(), target)


def _close_when_signalled(closing: threading.Event) -> None:
    """Set ``closing`` once this process gets a signal; granian keeps its handlers to itself."""
    told, telling = socket.socketpair()
    telling.settimeout(0)
    signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)

    def listen() -> None:
        while telling.fileno() >= 0 and told.recv(1):  # one byte a signal, for ever
            closing.set()

    threading.Thread(target=listen, daemon=True).start()


def with_endings(app: "WSGIApplication") -> "WSGIApplication":
    """Return ``app`` with answers that a fault ends told to granian in a way that it understands.

    It tells an application nothing by which the connection could be found, and what it has not
    sent yet when a body breaks off may be lost. What it does of its own: of an answer in one piece
    it sends just that, whatever length is announced, and ``Connection: close`` closes behind it; of
    one in pieces whose announced length is no number it sends nothing, and closes.
    """

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        parts = app(environ, start_response)
        if isinstance(parts, list):
            return parts
        headers = cast("Any", start_response).headers
        return _ended(parts, headers) if any(n == FAULT_HEADER for n, _ in headers) else parts

    return answer


def _ended(parts: "Iterable[bytes]", headers: list[tuple[str, str]]) -> "Iterable[bytes]":
    found: list[bytes] = []
    try:
        found.extend(parts)
    except ConnectionCut:
        headers.append(("Connection", "close"))
    except ConnectionDropped:
        return (part for part in found)
    finally:
        getattr(parts, "close", bool)()
    return [b"".join(found)]


def _end_with_parent() -> None:
    """Have this process end when the one that started it is killed; only Linux can."""
    if sys.platform == "linux":
        # Not SIGTERM: granian's child waits in a lock for it, and now and then sleeps on.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _reserved(host: str, port: int) -> tuple[socket.socket | None, int]:
    """Choose a free port for 0, and keep others from taking it until granian's child listens.

    A bound socket that does not listen gets no connections; on Linux granian's child can share the
    port with it.
    """
    if port:
        return None, port
    chosen = bound_socket(host, 0)
    port = chosen.getsockname()[1]
    chosen.close()
    if not sys.platform.startswith("linux"):
        return None, port
    reserved = socket.socket(chosen.family, socket.SOCK_STREAM)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind((host, port))
    return reserved, port


def _tell(host: str, port: int, ready: Callable[[int], None]) -> None:
    """Call ``ready`` as soon as somebody accepts connections on the port."""
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            sleep(0.002)
        else:
            ready(port)
            return
