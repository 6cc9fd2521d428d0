"""Serves an application over loopback, for tests that need a URL, or one of nobody."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from crmcom_kit.mock_server import Mock
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


def origin_of(mock: Mock) -> str:
    """Return scheme, host and port of a mock; start it if necessary."""
    return mock.url.removesuffix(API_PATH)


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
def running(asgi: Any) -> Iterator[int]:
    """Serve an ASGI application on a free port as long as the block lasts; yield the port."""
    server = Server(asgi, bind_socket("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"grace": 0.1}, daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.stop()
        thread.join(PATIENCE)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve a WSGI application as long as the block lasts; yield the base URL."""
    bridge = WsgiBridge(lambda: app)

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await bridge.respond(scope, receive, send, asgi_headers(scope["headers"]))

    with running(asgi) as port:
        yield f"http://127.0.0.1:{port}{API_PATH}"
