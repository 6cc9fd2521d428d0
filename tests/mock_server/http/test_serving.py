"""The server as a process: its end, with connections of every kind."""

import json
import signal
import sys
import time
from contextlib import ExitStack
from typing import Any

from crmcom_kit.schemas import API_PATH

LIST = f"{API_PATH}/webhook_requests/list?token=T&entity=JOBS"
#: The command, with ten minutes of grace.
SERVE = (
    "from crmcom_kit.mock_server.http import server; server.GRACE_SECONDS = 600; "
    "from crmcom_kit.cli import main; main(['serve', '--port', '0', '--log', 'off'])"
)


def ask(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def test_a_running_request_is_finished(start_server: Any) -> None:
    """A signal in the middle of a long list leaves the list whole, and then the server ends."""
    server = start_server("--token", "T", "--log", "off")
    for _ in range(15):  # together, the list has about 12 MB
        record = {"entity": "JOBS", "url": f"http://x/{'x' * 800_000}"}
        assert server.ask("POST", "/__admin/records", record)[0] == 200
    with server.connect() as connection:
        connection.sendall(ask(LIST, "Connection: close"))
        begun = connection.recv(1000)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert server.process.poll() is None
        response = b"".join([begun, *iter(lambda: connection.recv(65_536), b"")])

    body = json.loads(response.partition(b"\r\n\r\n")[2])
    assert len(body["data"]) >= 15
    assert server.end()[0] == 0


def test_half_sent_requests_do_not_hold_the_server(start_server: Any) -> None:
    server = start_server(command=(sys.executable, "-c", SERVE))
    head = b"POST /x HTTP/1.1\r\nHost: localhost\r\n"
    with ExitStack() as connections:
        for sent in (
            b"",
            b"GET /x HT",
            head + b"Content-Length: 100\r\n\r\n{",
            head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        ):
            connections.enter_context(server.connect()).sendall(sent)
        # Those were accepted and read before this one, which gets a response.
        assert server.sent(ask("/livez", "Connection: close")).startswith(b"HTTP/1.1 200 ")
        status, _, err = server.end(signal.SIGTERM)

    assert (status, err) == (0, "")
