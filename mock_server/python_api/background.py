"""A server in its own thread, for as long as a test needs it."""

import threading
from typing import TYPE_CHECKING

from crmcom_kit.usage_errors import UsageError

if TYPE_CHECKING:
    from crmcom_kit.mock_server.http.asgi_shell import AsgiShell
    from crmcom_kit.mock_server.http.server import Server
    from crmcom_kit.mock_server.world.registry import WorldRegistry

#: Seconds that running requests get after ``stop``; then they are cut off.
GRACE_SECONDS = 0.03


class Background:
    """Serves an application from ``start`` to ``stop``; it can be started again."""

    def __init__(self, registry: "WorldRegistry", *, host: str, port: int) -> None:
        """Serve nothing yet; port 0 is a free one at each start."""
        self._registry = registry
        self._host, self._port = host, port
        self._lock = threading.Lock()
        self._app: AsgiShell | None = None
        self._running: tuple[Server, threading.Thread] | None = None
        self._stopped = False

    def start(self) -> None:
        """Serve, unless it does already. Raises ServeError."""
        with self._lock:
            if self._running is None:
                self._running = self._started()
            self._stopped = False

    def address(self) -> str:
        """Return scheme, host and port; start serving, unless it does already.

        Raises:
            ServeError: it cannot be served.
            UsageError: it was stopped, and not started again.
        """
        with self._lock:
            if self._stopped:
                raise UsageError("mock", seen="stopped", allowed="a running mock; call start()")
            if self._running is None:
                self._running = self._started()
            port = self._running[0].port
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{port}"

    def _started(self) -> "tuple[Server, threading.Thread]":
        from crmcom_kit.mock_server.http.asgi_shell import AsgiShell
        from crmcom_kit.mock_server.http.server import Server, bind_socket

        if self._app is None:
            self._app = AsgiShell(self._registry)
        listening = bind_socket(self._host, self._port)
        if self._stopped:
            self._registry.reopen()
        server = Server(self._app, listening, closing=self._registry.closing)
        thread = threading.Thread(
            target=server.run, kwargs={"grace": GRACE_SECONDS}, name="crmcom-mock", daemon=True
        )
        thread.start()
        return server, thread

    def catch_up(self) -> None:
        """Return once what clients had sent is read; at once if nothing is served."""
        running = self._running
        if running is not None:
            running[0].catch_up()

    def stop(self) -> None:
        """Stop serving; what still runs after a moment is cut off."""
        with self._lock:
            self._stopped = True
            self._registry.closing.set()
            if self._running is not None:
                server, thread = self._running
                self._running = None
                server.stop()
                thread.join()
