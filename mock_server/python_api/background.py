"""A server in a thread of its own, for as long as a test needs it."""

import threading
from typing import TYPE_CHECKING

from crmcom_kit.mock_server.usage_errors import UsageError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from crmcom_kit.mock_server.http.at_once import AtOnce
    from crmcom_kit.mock_server.http.server import Server

#: Seconds that running requests have to finish in once the server is told to stop; they are cut
#: off then, since a test that stops its mock waits for nobody.
GRACE_SECONDS = 0.03


class Background:
    """Serves an application from ``start`` to ``stop``, as often as is wanted."""

    def __init__(
        self,
        app: "WSGIApplication",
        *,
        host: str,
        port: int,
        threads: int,
        closing: threading.Event,
        at_once: "AtOnce | None" = None,
    ) -> None:
        """Serve nothing yet.

        Args:
            app: what is served.
            host: the address to listen on.
            port: the port to listen on; 0 picks a free one at each start.
            threads: requests answered at the same time.
            closing: set while the server ends, so that calls that wait for something end, too.
            at_once: says which requests need no thread, as ``Server`` asks it.
        """
        self._app = app
        self._host, self._port, self._threads = host, port, threads
        self._closing, self._at_once = closing, at_once
        self._lock = threading.Lock()
        self._running: tuple[Server, threading.Thread] | None = None
        self._stopped = False

    def start(self) -> None:
        """Serve, unless that is so already. Raises ServeError."""
        with self._lock:
            if self._running is None:
                self._running = self._started()
            self._stopped = False

    def address(self) -> str:
        """Return scheme, host and port; serve from now on, unless that is so already.

        Raises:
            ServeError: it cannot be served.
            UsageError: it was stopped, and not started again.
        """
        with self._lock:
            if self._stopped:
                raise UsageError("mock", seen="a stopped one", allowed="its address after start()")
            if self._running is None:
                self._running = self._started()
            port = self._running[0].port
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{port}"

    def _started(self) -> "tuple[Server, threading.Thread]":
        from crmcom_kit.mock_server.http.server import Server, bound_socket

        listening = bound_socket(self._host, self._port)
        try:
            server = Server(
                self._app,
                listening,
                threads=self._threads,
                closing=self._closing,
                at_once=self._at_once,
            )
        except BaseException:
            listening.close()
            raise
        self._closing.clear()
        thread = threading.Thread(
            target=server.run, kwargs={"grace": GRACE_SECONDS}, name="crmcom-mock", daemon=True
        )
        thread.start()
        return server, thread

    def stop(self) -> None:
        """Serve no longer; whatever still runs after a moment is cut off."""
        with self._lock:
            self._stopped = True
            if self._running is not None:
                server, thread = self._running
                self._running = None
                server.stop()
                thread.join()
