"""The compiled server: the same start, the same answers, the same end."""

import http.client
import json
import signal
import socket
import sys
from typing import Any

import pytest

from crmcom_kit.mock_server.http.server import ServeError
from crmcom_kit.mock_server.http.serving_granian import serve_with_granian
from crmcom_kit.schemas import API_PATH

FLAGS = ("--server", "granian", "--token", "T")
SHOW = f"{API_PATH}/webhook_requests/show?token=T&webhook_request_identifier=number=7"

#: A server whose one call waits for the end of the server.
WAITING_SERVER = """
import threading
from crmcom_kit.mock_server.http.serving_granian import Served, serve_with_granian
closing = threading.Event()
def app(environ, start_response):
    print("waiting", flush=True)
    body = f"told: {closing.wait(100)}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
ready = lambda port: print(f"READY http://127.0.0.1:{port}/", flush=True)
make = lambda: Served(app, closing)
serve_with_granian(make, host="127.0.0.1", port=0, threads=2, ready=ready)
"""


def ask(server: Any, verb: str, path: str, body: str | None = None) -> tuple[int, Any]:
    """Ask on a connection of its own; return status and JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(verb, path, body)
    answer = connection.getresponse()
    found = json.load(answer)
    connection.close()
    return answer.status, found


@pytest.fixture(scope="module")
def server(start_server: Any) -> Any:
    """A server that all tests share which do not end it."""
    return start_server(*FLAGS, "--log", "off")


def test_the_first_line_is_true(server: Any) -> None:
    """READY comes once connections are accepted, and names the port that was free."""
    assert server.first_line.startswith("READY http://127.0.0.1:")
    status, found = ask(server, "GET", SHOW)

    assert (status, found["data"]["number"]) == (200, "7")


def test_every_shell_answers(server: Any) -> None:
    """The fast lane, Flask behind it, and the control API work on one state."""
    body = json.dumps({"token": "T", "webhook_request_identifier": {"number": "12"}})
    before = ask(server, "GET", "/__admin/health")[1]["webhook_requests"]

    assert ask(server, "POST", f"{API_PATH}/webhook_requests/delete", body)[1]["data"]
    assert ask(server, "GET", "/__admin/health")[1]["webhook_requests"] == before - 1
    assert ask(server, "POST", "/__admin/reset")[1]["webhook_requests"] == before
    assert ask(server, "GET", SHOW.replace("show?", "show/?"))[1]["data"]["number"] == "7"


def test_headers_count_in_the_journal(start_server: Any) -> None:
    """Long headers count, wherever they stand: the journal keeps within its bytes."""
    server = start_server(*FLAGS, "--log", "off", "--journal-bytes", "100000")
    long = {"X-Long": "x" * 9_000}
    for at in range(30):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        given = [*long.items(), ("Content-Type", "text/plain"), ("X-Short", "x")]
        connection.request("GET", SHOW, headers=dict(given if at % 2 else reversed(given)))
        assert connection.getresponse().read().startswith(b"{")
        connection.close()

    found = ask(server, "GET", "/__admin/requests")[1]

    assert 5 <= len(found["requests"]) <= 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(start_server: Any, number: int) -> None:
    """SIGTERM and Ctrl-C end the server and its child; its log has a masked line a request."""
    server = start_server(*FLAGS)
    assert ask(server, "GET", SHOW)[0] == 200

    status, _, log = server.end(number)

    assert status == 0
    assert "token=***&webhook_request_identifier=number=7 200" in log
    assert "token=T" not in log
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a killed parent's child")
def test_a_killed_server_leaves_no_process_behind(start_server: Any) -> None:
    """After SIGKILL the child process ends, too: it holds the pipes, and they get closed."""
    server = start_server(*FLAGS, "--log", "off")

    status, _, _ = server.end(signal.SIGKILL)

    assert status == -signal.SIGKILL


def test_a_taken_port_is_one_line(start_server: Any, server: Any) -> None:
    """A port that another server listens on ends the start with one line and status 2."""
    command = (sys.executable, "-m", "crmcom_kit.mock_server", "--port", str(server.port))

    status, out, err = start_server(*FLAGS, command=command).end()

    assert (status, out) == (2, "")
    assert err.startswith(f"Error: cannot listen on 127.0.0.1 port {server.port}: Address already")
    assert err.count("\n") == 1


def test_a_bad_world_is_one_line(start_server: Any) -> None:
    """What is wrong with the world is said in one line, as with the other server."""
    status, _, err = start_server(*FLAGS, "--release", "R8").end()

    assert status == 2
    assert err.startswith("Error: release: R8 is older than R9.0.0")
    assert err.count("\n") == 1


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where granian is not installed the error names the extra that brings it."""
    monkeypatch.setitem(sys.modules, "granian", None)

    with pytest.raises(ServeError, match=r"crmcom-kit\[fast\]"):
        serve_with_granian(lambda: None, host="127.0.0.1", port=0, threads=1, ready=print)  # type: ignore[arg-type, return-value]


def test_whoever_waits_is_told_of_the_end(start_server: Any) -> None:
    """A call that waits for something ends as soon as the child is signalled, and is answered."""
    server = start_server(command=(sys.executable, "-c", WAITING_SERVER))
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        server.process.stdout.readline()  # the call has begun
        status, _, _ = server.end(signal.SIGTERM)
        answer = connection.recv(65_536)

    assert status == 0
    assert answer.endswith(b"told: True")
