"""The server: uvicorn's protocol on an event loop, a clean start and a clean end."""

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

from crmcom_kit.mock_server.http.connection import Connection, Connections, OnRefusal

if TYPE_CHECKING:
    import ssl

#: Seconds that running requests have to finish in once the server is told to stop.
GRACE_SECONDS = 10.0
#: Seconds for which a connection without a request is kept.
KEEP_ALIVE_SECONDS = 120
_BACKLOG = 2048
_LAST_STANDARD_STREAM = 2
_LAST_SECONDS = 0.5  # for threads to notice that their connections are closed
_STEP_SECONDS = 0.005
#: Steps of the loop in which a connection is accepted and made, its request read and begun, twice.
_STEPS_TO_READ = 20
_CATCH_UP_SECONDS = 5.0


class ServeError(OSError):
    """The server cannot be started: which address, and why."""


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to ``host`` and ``port`` (0: a free one). Raises ServeError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        msg = f"host: {host!r} is not an address of this machine: {why}"
        raise ServeError(msg) from None
    # IPv4 first: a name such as localhost has both, and most clients try this one.
    family, kind, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    # With the protocol named: asyncio's own loop turns Nagle's algorithm off only then.
    bound = socket.socket(family, kind, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":  # where it would let two servers share a port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise _taken(host, port, error) from None
    return bound


def _taken(host: str, port: int, error: OSError) -> ServeError:
    hint = "; --port names another one, 0 a free one" if port else ""
    return ServeError(f"cannot listen on {host} port {port}: {error.strerror}{hint}")


class Server:
    """Serves an ASGI application from ``run`` to ``stop``; running requests are finished."""

    def __init__(
        self,
        app: Callable[..., Any],
        listening: socket.socket,
        *,
        closing: threading.Event | None = None,
        on_refusal: OnRefusal | None = None,
        tls: "ssl.SSLContext | None" = None,
    ) -> None:
        """Accept connections on ``listening``, a bound socket.

        Args:
            app: an ASGI application that answers the requests.
            listening: a bound socket; it belongs to the server from now on.
            closing: set once the server is told to stop, so that calls that wait end.
            on_refusal: called when a request is refused before the application gets it.
            tls: serve https with it; None: http.

        Raises:
            ServeError: another server has begun to listen there in the meantime.
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
        self._listening = listening
        self._tls = tls
        self._closing = threading.Event() if closing is None else closing
        self._connections = Connections(_max_connections(), on_refusal)
        self._stopping = False
        self._accepts = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        host, self.port = listening.getsockname()[:2]
        try:
            listening.listen(_BACKLOG)
        except OSError as error:
            listening.close()
            raise _taken(host, self.port, error) from None

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping

    def stop(self) -> None:
        """End ``run`` as soon as running requests are answered. May be called from anywhere."""
        self._stopping = True
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None:
            with suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(stop.set)

    def catch_up(self) -> None:
        """Return once what clients had sent is read: it may still wait in the system's buffers.

        May be called from any thread but the server's own, once that has been started.
        """
        self._accepts.wait(_CATCH_UP_SECONDS)
        loop = self._loop
        if loop is None or self._stopping:
            return
        steps = _take_steps()
        try:
            done = asyncio.run_coroutine_threadsafe(steps, loop)
        except RuntimeError:  # it has ended by itself
            steps.close()
            return
        with suppress(TimeoutError, CancelledError):
            done.result(_CATCH_UP_SECONDS)

    def run(self, *, grace: float | None = None, ready: Callable[[], None] | None = None) -> None:
        """Serve until ``stop`` is called; cut off what is not answered ``grace`` seconds later.

        Args:
            grace: seconds; GRACE_SECONDS by default.
            ready: called once connections are accepted.
        """
        loop = _new_loop()
        try:
            loop.run_until_complete(self._serve(GRACE_SECONDS if grace is None else grace, ready))
        finally:
            loop.close()

    async def _serve(self, grace: float, ready: Callable[[], None] | None) -> None:
        loop = asyncio.get_running_loop()
        self._stop = stop = asyncio.Event()
        self._loop = loop
        if self._stopping:  # before it began
            stop.set()
        accepting = await loop.create_server(
            lambda: Connection(self._config, self._connections, loop),
            sock=self._listening,
            backlog=_BACKLOG,
            ssl=self._tls,
        )
        dating = loop.create_task(self._keep_date())
        self._accepts.set()
        if ready is not None:
            ready()
        await stop.wait()
        self._closing.set()
        # asyncio's own loop makes connections in tasks after it has accepted them, and breaks in
        # those whose server is closed by then.
        others = {asyncio.current_task(), dating}
        deadline = loop.time() + _STEP_SECONDS * 10
        while (left := deadline - loop.time()) > 0:
            making = asyncio.all_tasks() - self._connections.tasks - others
            if not making:
                break
            await asyncio.wait(making, timeout=left)
        dating.cancel()
        accepting.close()
        for connection in list(self._connections.connections):
            connection.shutdown()
        await self._finish(loop, grace)

    async def _keep_date(self) -> None:
        """Let responses say when they were sent."""
        while True:
            self._connections.default_headers = [(b"date", formatdate(usegmt=True).encode())]
            await asyncio.sleep(1)

    async def _finish(self, loop: asyncio.AbstractEventLoop, grace: float) -> None:
        """Wait until all requests are answered, ``grace`` seconds at most."""
        state = self._connections
        deadline = loop.time() + grace
        while state.connections and loop.time() < deadline:
            await asyncio.sleep(_STEP_SECONDS)
        for connection in list(state.connections):
            connection.transport.abort()
        # A thread that streams to a closed connection goes on until it looks, and needs the loop.
        deadline = loop.time() + _LAST_SECONDS
        while (state.connections or state.tasks) and loop.time() < deadline:
            await asyncio.sleep(_STEP_SECONDS)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(_STEP_SECONDS)


async def _take_steps() -> None:
    for _ in range(_STEPS_TO_READ):
        await asyncio.sleep(0)


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop's event loop if it is installed, or else asyncio's own."""
    try:
        import uvloop
    except ImportError:  # it has no wheels for Windows
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def _max_connections() -> int | None:
    """Return how many connections leave enough descriptors for everything else."""
    if sys.platform == "win32":
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if limit == resource.RLIM_INFINITY else limit - min(limit // 4, 1024)


def prepare_descriptors(wanted: int = 65_536) -> None:
    """Let this process have as many connections as the system allows, ``wanted`` at most."""
    # libuv aborts where a connection takes the place of a standard stream that was closed.
    while (filler := os.open(os.devnull, os.O_RDWR)) <= _LAST_STANDARD_STREAM:
        pass
    os.close(filler)
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(ValueError, OSError):  # macOS has a limit of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def run_until_signalled(
    server: Server, ready: Callable[[], None], *, last: Callable[[], object] = bool
) -> None:
    """Serve until SIGTERM or Ctrl-C; a second signal ends at once, after ``last``.

    SIGHUP does not end the server, unless it says that the terminal is gone.

    Args:
        server: what is run.
        ready: called once connections are accepted.
        last: called before a second signal ends the process.
    """

    def stop(number: int, frame: Any) -> None:
        del frame
        if server.is_stopping:
            last()
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        had_terminal = _has_terminal()

        def hang_up(number: int, frame: Any) -> None:
            if had_terminal and not _has_terminal():
                stop(number, frame)

        signal.signal(signal.SIGHUP, hang_up)
    server.run(ready=ready)


def _has_terminal() -> bool:
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()
