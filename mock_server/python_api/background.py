"""A server in its own thread, as long as a test needs it."""

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
    """Serves an application from ``start`` to ``stop``, also several times."""

    def __init__(self, registry: "WorldRegistry", *, host: str, port: int) -> None:
        """Set the address; port 0 picks a free one at each start."""
        self._registry = registry
        self._host, self._port = host, port
        self._lock = threading.Lock()
        self._app: AsgiShell | None = None
        self._service: tuple[Server, threading.Thread] | None = None
        self._is_stopped = False

    def start(self) -> None:
        """Start to serve, unless it serves already. Raises ServeError."""
        with self._lock:
            if self._service is None:
                self._service = self._launch()
            self._is_stopped = False

    def address(self) -> str:
        """Return scheme, host and port; start to serve, unless it serves already.

        Raises:
            ServeError: it cannot be served.
            UsageError: it was stopped, and not started again.
        """
        with self._lock:
            if self._is_stopped:
                raise UsageError("mock", seen="stopped", allowed="a running mock; call start()")
            if self._service is None:
                self._service = self._launch()
            port = self._service[0].port
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{port}"

    def _launch(self) -> "tuple[Server, threading.Thread]":
        from crmcom_kit.mock_server.http.asgi_shell import AsgiShell
        from crmcom_kit.mock_server.http.server import Server, bind_socket

        if self._app is None:
            self._app = AsgiShell(self._registry)
        listener = bind_socket(self._host, self._port)
        if self._is_stopped:
            self._registry.reopen()
        server = Server(self._app, listener, closing=self._registry.closing)
        thread = threading.Thread(
            target=server.run, kwargs={"grace": GRACE_SECONDS}, name="crmcom-mock", daemon=True
        )
        thread.start()
        return server, thread

    def catch_up(self) -> None:
        """Return once the server has read the data of clients; at once if it does not serve."""
        service = self._service
        if service is not None:
            service[0].catch_up()

    def stop(self) -> None:
        """Stop serving; cut requests that run longer than GRACE_SECONDS."""
        with self._lock:
            self._is_stopped = True
            self._registry.closing.set()
            if self._service is not None:
                server, thread = self._service
                self._service = None
                server.stop()
                thread.join()
