"""A mock on a real socket in this process, so that a test can look into it afterwards."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from crmcom_kit.mock_server.http.asgi_shell import AsgiShell
from crmcom_kit.mock_server.http.server import Server, bound_socket
from crmcom_kit.mock_server.world.factory import make_world
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas import API_PATH

TOKEN = "T"


class ServedMock:
    """A served mock, and a client of it."""

    def __init__(self, registry: WorldRegistry, server: Server, client: httpx.Client) -> None:
        self.registry = registry
        self.server = server
        self.client = client

    @property
    def world(self) -> World:
        """The default world."""
        return self.registry.default

    @property
    def base(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.server.port}"

    @property
    def receiver(self) -> str:
        """Where its built-in receiver is."""
        return f"{self.base}/worlds/default/__admin/receiver/in"

    def admin(self, verb: str, path: str, body: Any = None) -> Any:
        """Call the control API, and return the JSON of a success."""
        answer = self.client.request(verb, f"{self.base}/__admin{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def resend(self, number: str) -> Any:
        """Resend a record, and return the answer."""
        body = {"token": TOKEN, "webhook_request_identifier": {"number": number}}
        url = f"{self.base}{API_PATH}/webhook_requests/resend"
        return self.client.post(url, json=body).json()

    def show(self, number: str) -> Any:
        """Show a record."""
        url = f"{self.base}{API_PATH}/webhook_requests/show"
        query = f"token={TOKEN}&webhook_request_identifier=number={number}"
        return self.client.get(f"{url}?{query}").json()["data"]


@contextmanager
def served_mock(release: str = "R9", *, port: int = 0, **options: Any) -> Iterator[ServedMock]:
    """Serve a mock that really delivers, with the options of ``make_world``."""
    world = make_world(release=release, tokens=[TOKEN], **{"deliver": "http", **options})
    registry = WorldRegistry(world)
    listening = bound_socket("127.0.0.1", port)
    shell = AsgiShell(registry)
    server = Server(shell, listening, closing=registry.closing)
    world.delivery_queue.close_after(registry.closing.wait, 4.0)
    thread = threading.Thread(target=server.run)
    thread.start()
    limits = httpx.Limits(max_connections=200)
    try:
        with httpx.Client(trust_env=False, timeout=60, limits=limits) as client:
            yield ServedMock(registry, server, client)
    finally:
        if thread.is_alive():
            server.stop()
        thread.join(30)
        assert not thread.is_alive()
