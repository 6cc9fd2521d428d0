"""The server: uvicorn's protocol on an event loop, with a clean start and end."""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from crmcom_kit.mock_server.http.connection import Connection

if TYPE_CHECKING:
    pass

#: Seconds in which running requests must finish once the server must stop.
GRACE_SECONDS = 10.0
#: Seconds for which a connection without a request is kept.
KEEP_ALIVE_SECONDS = 120
#: Maximum number of connections of a process, if the system allows as many.
MAX_DESCRIPTORS = 65_536
_BACKLOG = 2048
_LAST_STANDARD_STREAM = 2
_LAST_SECONDS = 0.5  # for threads to notice that their connections are closed
_STEP_SECONDS = 0.005
#: Twice the steps of the loop that accept a connection, read its request and start it.
_STEPS_TO_READ = 20
_CATCH_UP_SECONDS = 5.0


class ServeError(OSError):
    """The server cannot be started."""


def bind_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to ``host`` and ``port`` (0: a free one). Raises ServeError."""
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        msg = f"host: {host!r} is not an address of this machine: {reason}"
        raise ServeError(msg) from None
    # IPv4 first: a name such as localhost has both, and most clients try IPv4.
    family, kind, _, _, address = min(infos, key=lambda info: info[0] != socket.AF_INET)
    # With the protocol: otherwise asyncio's loop leaves Nagle's algorithm on.
    listener = socket.socket(family, kind, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":  # where two servers could then share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _address_error(host, port, error) from None
    return listener


def _address_error(host: str, port: int, error: OSError) -> ServeError:
    hint = "; --port names another one, 0 a free one" if port else ""
    return ServeError(f"cannot listen on {host} port {port}: {error.strerror}{hint}")


class Server:
    """Serves an ASGI application from ``run`` to ``stop``; running requests are finished."""

    def __init__(
        self,
        app: Callable[..., Any],
        listener: socket.socket,
        *,
        closing: threading.Event | None = None,
    ) -> None:
        """Accept connections on ``listener``, a bound socket.

        Args:
            app: an ASGI application.
            listener: a bound socket, which the server closes.
            closing: set when the server must stop; ends requests that wait.

        Raises:
            ServeError: another server listens there in the meantime.
        """
        self._config = Config(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        self._config.load()
        self._listener = listener
        self._closing = threading.Event() if closing is None else closing
        self._state = ServerState()
        host, self.port = listener.getsockname()[:2]
        try:
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            raise _address_error(host, self.port, error) from None
        self._loop = _new_loop()
        self._is_accepting, self._stop = asyncio.Event(), asyncio.Event()

    def stop(self) -> None:
        """End ``run`` once running requests have their responses; callable from any thread."""
        with suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._stop.set)

    def catch_up(self) -> None:
        """Return once the server has read the data in the system's buffers.

        Callable from any other thread than the server's, once that is started.
        """
        steps = self._take_steps()
        try:
            future = asyncio.run_coroutine_threadsafe(steps, self._loop)
        except RuntimeError:  # it has ended already
            steps.close()
            return
        with suppress(TimeoutError, CancelledError):
            future.result(_CATCH_UP_SECONDS)

    async def _take_steps(self) -> None:
        await self._is_accepting.wait()
        for _ in range(_STEPS_TO_READ):
            await asyncio.sleep(0)

    def run(
        self, *, grace: float | None = None, ready: Callable[[], object] = lambda: None
    ) -> None:
        """Serve until ``stop`` is called.

        Args:
            grace: seconds after which requests without a response are cut off; GRACE_SECONDS by
                default.
            ready: called once connections are accepted.
        """
        try:
            seconds = GRACE_SECONDS if grace is None else grace
            self._loop.run_until_complete(self._serve(seconds, ready))
        finally:
            self._loop.close()

    async def _serve(self, grace: float, ready: Callable[[], object]) -> None:
        loop = self._loop
        server = await loop.create_server(
            lambda: Connection(self._config, self._state, loop),
            sock=self._listener,
            backlog=_BACKLOG,
        )
        date_task = loop.create_task(self._keep_date())
        self._is_accepting.set()
        ready()
        await self._stop.wait()
        self._closing.set()
        await asyncio.sleep(_STEP_SECONDS)  # for connections that are being made
        date_task.cancel()
        server.close()
        await self._finish(grace)

    async def _keep_date(self) -> None:
        """Keep the Date header of responses up to date."""
        while True:
            self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
            await asyncio.sleep(1)

    async def _finish(self, grace: float) -> None:
        """Close all connections; those with a request after its response, or after ``grace``."""
        state = self._state
        for connection in list(state.connections):
            connection.shutdown()
        await _until(lambda: not state.connections, grace)
        for connection in list(state.connections):
            connection.transport.abort()
        # A thread that streams needs the loop to notice that its connection is closed.
        await _until(lambda: not (state.connections or state.tasks), _LAST_SECONDS)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(_STEP_SECONDS)


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    """Return once ``condition`` holds, or ``seconds`` have passed."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not condition() and loop.time() < deadline:
        await asyncio.sleep(_STEP_SECONDS)


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop's event loop if it is installed, or else asyncio's own."""
    try:
        import uvloop
    except ImportError:  # it has no wheels for Windows
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def prepare_descriptors() -> None:
    """Let this process have as many connections as the system allows, up to MAX_DESCRIPTORS."""
    # libuv aborts if a connection gets the descriptor of a closed standard stream.
    while (filler := os.open(os.devnull, os.O_RDWR)) <= _LAST_STANDARD_STREAM:
        pass
    os.close(filler)
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = MAX_DESCRIPTORS
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        with suppress(ValueError, OSError):  # macOS has another limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def run_until_signalled(server: Server, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; a second one ends the process at once.

    Args:
        server: the server to run.
        ready: called once connections are accepted.
    """
    signals = signal.SIGTERM, signal.SIGINT

    def stop(*_: Any) -> None:
        for number in signals:
            signal.signal(number, signal.SIG_DFL)
        server.stop()

    for number in signals:
        signal.signal(number, stop)
    server.run(ready=ready)
