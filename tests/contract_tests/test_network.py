"""The way over the network: a deadline that no server gets around."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.http import Client, Limits, TargetDown
from crmcom_kit.contract_tests.targets import Login, Target
from crmcom_kit.schemas import resolve

GET = Call("show", "GET", "webhook_requests/show", "number=1")
OK = b'{"status":{"code":"OK","message":"","description":""},"data":{}}'


@contextmanager
def server(part: bytes, *, timeout: float, pause: float | None = None) -> Iterator[Client]:
    """A client of a server that answers with ``part``, with a pause again and again, if given."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            try:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(part)
                    while pause is not None and not over.wait(pause):
                        connection.sendall(part)
            except OSError:
                pass  # the client has gone

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        base = f"http://127.0.0.1:{listening.getsockname()[1]}/crmapi/rest/v2"
        target = Target(name="it", base_url=base, release=resolve("R9"), login=Login(token="t"))
        client = Client(target, Limits(timeout=timeout))
        yield client
        client.close()
        over.set()
    thread.join(10)


class _ReadsNoBody(BaseHTTPRequestHandler):
    """A server that keeps its connections, and leaves the body of a GET unread."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer OK."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(OK)))
        self.end_headers()
        self.wfile.write(OK)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def test_an_unread_body_is_not_taken_for_the_next_request() -> None:
    """A GET with a body spoils no later request, which would be accused of the failure."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _ReadsNoBody) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{listening.server_port}/crmapi/rest/v2"
        target = Target(name="it", base_url=base, release=resolve("R9"), login=Login(token="t"))
        client = Client(target, Limits(timeout=60))
        found = [client.send(each).status for each in (replace(GET, body=b'{"a": 1}'), GET)]
        client.close()
        listening.shutdown()

    assert found == [200, 200]


@pytest.mark.parametrize(
    ("part", "pause"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 50, 0.01),
        (b"H", 0.1),
        (b"", 0.1),
        (b"HTTP/1.1 200 OK\r\n\r\n", 0.1),
    ],
    ids=["interim answers", "a byte now and then", "silence", "a body without an end"],
)
def test_no_answer_outlasts_the_time_out(part: bytes, pause: float) -> None:
    """Whatever a server sends meanwhile: an answer that is not there in time is given up."""
    given_up = pytest.raises(TargetDown, match="ReadTimeout")

    with server(part, timeout=0.5, pause=pause) as one, given_up:
        one.send(GET)
