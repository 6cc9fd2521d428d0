"""The server as a process: a clean start, a clean end, and connections of every kind between."""

import json
import signal
import sys
import time
from contextlib import ExitStack
from typing import Any

import pytest

from crmcom_kit.fixtures import world
from crmcom_kit.schemas import API_PATH

SHOW = f"{API_PATH}/webhook_requests/show?token=T&webhook_request_identifier=number=7"
LIST = f"{API_PATH}/webhook_requests/list?token=T&entity="
#: The command, with so many seconds of grace.
SERVE = (
    "import sys; from crmcom_kit.mock_server.http import server; server.GRACE_SECONDS = {}; "
    "from crmcom_kit.cli import main; main(['serve', '--port', '0', '--log', 'off', *sys.argv[1:]])"
)


@pytest.fixture(scope="module")
def wide_world(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A world file with a list of about 12 MB, and the path of that list."""
    entries = list(world(count=1, release="R9"))
    template = entries.pop()["webhook_request"]
    for at in range(60):
        changed = {"id": f"{at:032X}", "number": str(at + 1), "url": "http://x/" + "x" * 200_000}
        record = {**template["record"], **changed}
        entries.append({"webhook_request": {**template, "record": record}})
    file = tmp_path_factory.mktemp("wide") / "world.jsonl"
    file.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), "utf-8")
    return str(file), LIST + template["record"]["entity"]


def ask(path: str, *headers: str) -> bytes:
    """The bytes of a GET."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_and_ends_cleanly(start_server: Any, stop: int) -> None:
    """The first line is READY and the base URL, once it accepts; a signal ends it with status 0."""
    server = start_server("--token", "T")

    assert server.first_line == f"READY http://127.0.0.1:{server.port}{API_PATH}\n"
    assert server.ask("GET", SHOW)[1]["data"]["number"] == "7"
    status, out, err = server.end(stop)
    assert status == 0
    assert "  username      mpadministrator" in out.splitlines()
    assert len(err.splitlines()) == 1


def test_a_running_request_is_finished(start_server: Any, wide_world: tuple[str, str]) -> None:
    """A signal in the middle of a long list leaves the list whole, and then the server ends."""
    file, path = wide_world
    server = start_server("--token", "T", "--data", file)
    with server.connect() as connection:
        connection.sendall(ask(path, "Connection: close"))
        begun = connection.recv(1000)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert server.process.poll() is None
        answer = b"".join([begun, *iter(lambda: connection.recv(65_536), b"")])

    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert len(body["data"]) == 60
    assert server.end()[0] == 0


def test_half_sent_requests_do_not_hold_the_server(start_server: Any) -> None:
    """Who never finishes a request is not waited for."""
    server = start_server(command=(sys.executable, "-c", SERVE.format(600)))
    head = b"POST /x HTTP/1.1\r\nHost: localhost\r\n"
    with ExitStack() as connections:
        for sent in (
            b"",
            b"GET /x HT",
            head + b"Content-Length: 100\r\n\r\n{",
            head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        ):
            connections.enter_context(server.connect()).sendall(sent)
        # Those were accepted and read before this one, which is answered.
        assert server.sent(ask("/livez", "Connection: close")).startswith(b"HTTP/1.1 200 ")
        status, _, err = server.end(signal.SIGTERM)

    assert (status, err) == (0, "")


def test_a_client_that_does_not_read_is_waited_for_only_so_long(
    start_server: Any, wide_world: tuple[str, str]
) -> None:
    """When the time of grace is over the server ends, with status 0."""
    file, path = wide_world
    command = (sys.executable, "-c", SERVE.format(1.5), "--token", "T", "--data", file)
    server = start_server(command=command)
    with server.connect() as connection:
        connection.sendall(ask(path))
        connection.recv(10)
        began = time.monotonic()
        status, _, _ = server.end(signal.SIGTERM)

    assert status == 0
    assert time.monotonic() - began > 1
