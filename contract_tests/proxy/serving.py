"""Serve the proxy on loopback until a signal comes."""

import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from crmcom_kit.contract_tests.proxy.forwarding import Forwarding

#: Seconds that running requests have to finish in once the proxy is told to stop.
_GRACE = 3


def listening_on(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


class Server(uvicorn.Server):
    """Serves until SIGINT or SIGTERM comes; running requests may finish."""

    def __init__(self, app: Forwarding, ready: Callable[[], object]) -> None:
        """Serve ``app``; ``ready`` is called once connections are accepted."""
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="critical",  # a log may quote a request
            access_log=False,
            proxy_headers=False,
            server_header=False,  # the response has the server's own
            date_header=False,
            timeout_graceful_shutdown=_GRACE,
        )
        super().__init__(config)
        self._app, self._ready = app, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close all connections."""
        await super().shutdown(sockets)
        await self._app.close()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; a second Ctrl-C waits for nobody."""
        super().handle_exit(sig, frame)
        self._captured_signals.clear()  # they would be raised again after the end
