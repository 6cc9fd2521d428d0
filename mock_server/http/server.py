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
from uvicorn.server import ServerState

from crmcom_kit.mock_server.http.connection import Connection

if TYPE_CHECKING:
    import ssl

#: Seconds that running requests have to finish in once the server is told to stop.
GRACE_SECONDS = 10.0
#: Seconds for which a connection without a request is kept.
KEEP_ALIVE_SECONDS = 120
#: How many connections a process has at most, if the system allows as many.
MAX_DESCRIPTORS = 65_536
_BACKLOG = 2048
_LAST_STANDARD_STREAM = 2
_LAST_SECONDS = 0.5  # for threads to notice that their connections are closed
_STEP_SECONDS = 0.005
#: Steps of the loop in which a connection is accepted and made, its request read and begun, twice.
_STEPS_TO_READ = 20
_CATCH_UP_SECONDS = 5.0


class ServeError(OSError):
    """The server cannot be started: which address, and why."""


def bind_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to ``host`` and ``port`` (0: a free one). Raises ServeError."""
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        msg = f"host: {host!r} is not an address of this machine: {why}"
        raise ServeError(msg) from None
    # IPv4 first: a name such as localhost has both, and most clients try this one.
    family, kind, _, _, address = min(infos, key=lambda info: info[0] != socket.AF_INET)
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
        tls: "ssl.SSLContext | None" = None,
    ) -> None:
        """Accept connections on ``listening``, a bound socket.

        Args:
            app: an ASGI application.
            listening: a bound socket; it belongs to the server from now on.
            closing: set once the server is told to stop, so that calls that wait end.
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
        self._state = ServerState()
        host, self.port = listening.getsockname()[:2]
        try:
            listening.listen(_BACKLOG)
        except OSError as error:
            listening.close()
            raise _taken(host, self.port, error) from None
        self._loop = _new_loop()
        self._accepts, self._stop = asyncio.Event(), asyncio.Event()

    def stop(self) -> None:
        """End ``run`` once running requests have their responses. May be called from anywhere."""
        with suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._stop.set)

    def catch_up(self) -> None:
        """Return once what clients had sent is read: it may still wait in the system's buffers.

        May be called from any thread but the server's own, once that has been started.
        """
        steps = self._take_steps()
        try:
            done = asyncio.run_coroutine_threadsafe(steps, self._loop)
        except RuntimeError:  # it has ended by itself
            steps.close()
            return
        with suppress(TimeoutError, CancelledError):
            done.result(_CATCH_UP_SECONDS)

    async def _take_steps(self) -> None:
        await self._accepts.wait()
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
        accepting = await loop.create_server(
            lambda: Connection(self._config, self._state, loop),
            sock=self._listening,
            backlog=_BACKLOG,
            ssl=self._tls,
        )
        dating = loop.create_task(self._keep_date())
        self._accepts.set()
        ready()
        await self._stop.wait()
        self._closing.set()
        await asyncio.sleep(_STEP_SECONDS)  # for connections that are just being made
        dating.cancel()
        accepting.close()
        await self._finish(grace)

    async def _keep_date(self) -> None:
        """Let responses say when they were sent."""
        while True:
            self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
            await asyncio.sleep(1)

    async def _finish(self, grace: float) -> None:
        """Close all connections, those with a request after its response or after ``grace``."""
        state = self._state
        for connection in list(state.connections):
            connection.shutdown()
        await _until(lambda: not state.connections, grace)
        for connection in list(state.connections):
            connection.transport.abort()
        # A thread that streams to a closed connection goes on until it looks, and needs the loop.
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
    # libuv aborts where a connection takes the place of a standard stream that was closed.
    while (filler := os.open(os.devnull, os.O_RDWR)) <= _LAST_STANDARD_STREAM:
        pass
    os.close(filler)
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # macOS has a limit of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def run_until_signalled(server: Server, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; a second one ends the process at once.

    Args:
        server: what is run.
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
