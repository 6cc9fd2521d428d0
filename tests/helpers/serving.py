"""Serves a WSGI application over loopback, for tests that need a URL, or one of nobody."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from crmcom_kit.mock_server.http.requests import asgi_headers
from crmcom_kit.mock_server.http.server import Server, bind_socket
from crmcom_kit.mock_server.http.wsgi_bridge import WsgiBridge
from crmcom_kit.schemas import API_PATH
from helpers.patience import PATIENCE

#: What a mock lets in, as the environment variables of a run.
LOGIN = {
    "CRMCOM_USERNAME": "mpadministrator",
    "CRMCOM_PASSWORD": "crmcom-kit",
    "CRMCOM_ORGANISATION": "CRMDEMO",
}


@contextmanager
def reserved_port() -> Iterator[int]:
    """Keep a port on which nothing listens, as long as the block lasts; yield it.

    On Linux, a socket that is bound and does not listen leaves the port to a server that asks for
    it by its number, and keeps the kernel from giving it to another test.
    """
    with bind_socket("127.0.0.1", 0) as reserved:
        port = int(reserved.getsockname()[1])
        if sys.platform != "linux":
            reserved.close()
        yield port


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an application on a free port as long as the block lasts; yield the base URL."""
    bridge = WsgiBridge(lambda: app)

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await bridge.respond(scope, receive, send, asgi_headers(scope["headers"]))

    server = Server(asgi, bind_socket("127.0.0.1", 0))
    running = threading.Thread(target=server.run, kwargs={"grace": 0.1}, daemon=True)
    running.start()
    try:
        yield f"http://127.0.0.1:{server.port}{API_PATH}"
    finally:
        server.stop()
        running.join(PATIENCE)
