"""``crmcom-kit serve --state``: what was answered is there again, however the process ended."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest
from helpers import forked_servers

from crmcom_kit.fixtures import webhook_request_entries
from crmcom_kit.schemas import API_PATH

KILLS = int(os.environ.get("CRMCOM_KILLS", "20"))
CHANGES = 200  # between two kills, at least
CLIENTS = 2
GONE = None
UNSEEN = object()  # a record that is there, as no response has shown it yet


class Client:
    """Changes webhook requests of its own, one after the other, and notes what was answered."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.known: dict[str, Any] = {}  # by number: the record, GONE or UNSEEN
        self.changes = 0
        self.unanswered: str | None = None  # the number that the last request was about
        self._random = random.Random(name)

    def run(self, port: int) -> None:
        """Change until the connection breaks."""
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        with suppress(OSError, HTTPException):
            while True:
                self._change(connection)
                self.changes += 1
        connection.close()

    def _change(self, connection: HTTPConnection) -> None:
        living = [number for number, record in self.known.items() if record is not GONE]
        chosen = self._random.random()
        if chosen < 0.1 or not living:
            data = {"id": self.name, "number": "ACT1", "text": "x" * self._random.randrange(5000)}
            body = {"entity": "ACTIVITIES", "definition": "ACT CREATE", "data": data}
            self.unanswered = "new"
            fired = ask(connection, "POST", "/__admin/events/fire", body)
            self.unanswered = None
            self.known[fired["webhook_request"]["number"]] = UNSEEN
            return
        number = self._random.choice(living)
        action = "delete" if chosen < 0.18 else "resend"
        body = {"token": "T", "webhook_request_identifier": {"number": number}}
        self.unanswered = number
        answer = ask(connection, "POST", f"{API_PATH}/webhook_requests/{action}", body)
        self.unanswered = None
        self.known[number] = GONE if action == "delete" else answer["data"]


def ask(connection: HTTPConnection, verb: str, path: str, body: Any = None) -> Any:
    """Return the JSON that a request is answered with."""
    sent = None if body is None else json.dumps(body)
    connection.request(verb, path, sent, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, text
    return json.loads(text)


@pytest.fixture(name="servers")
def _servers() -> Iterator[subprocess.Popen[str]]:
    script = str(Path(forked_servers.__file__))
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, script], start_new_session=True, **pipes) as servers:
        yield servers
        os.killpg(servers.pid, signal.SIGKILL)


def started(servers: subprocess.Popen[str], *flags: str) -> tuple[int, int]:
    """Start a server; return its process id and its port."""
    assert servers.stdin is not None
    assert servers.stdout is not None
    servers.stdin.write(json.dumps([*flags, "--port", "0", "--log", "off"]) + "\n")
    servers.stdin.flush()
    process = port = 0
    while not (process and port):
        line = servers.stdout.readline()
        assert line, "the server has ended by itself: standard error says why"
        if line.strip().isdecimal():
            process = int(line)
        if line.startswith("READY"):
            port = int(line.split(":")[2].split("/")[0])
    return process, port


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_server_has_lost_nothing_that_it_answered(
    servers: subprocess.Popen[str], tmp_path: Path
) -> None:
    """Killed amid changes again and again, each start has every record as it was last answered.

    The one request of each client that was not answered may have happened or not.
    """
    flags = ("--state", str(tmp_path / "world.state"), "--token", "T", "--deliveries", "timeout")
    clients = [Client(str(number)) for number in range(CLIENTS)]
    for kill in range(KILLS + 1):
        process, port = started(servers, *flags)
        check(port, clients)
        changed = sum(client.changes for client in clients)
        assert changed >= kill * CHANGES
        threads = [threading.Thread(target=client.run, args=(port,)) for client in clients]
        for thread in threads:
            thread.start()
        enough = changed + CHANGES if kill < KILLS else 0
        while sum(client.changes for client in clients) < enough:
            assert all(thread.is_alive() for thread in threads)
            time.sleep(0.001)
        os.kill(process, signal.SIGKILL)
        for thread in threads:
            thread.join()


def test_data_is_for_a_new_file_and_for_a_reset(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    """What the file has wins; a reset goes back to the data, in the file as well."""
    data, state = tmp_path / "data.jsonl", tmp_path / "world.state"
    entries = webhook_request_entries(index=1)
    data.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), "utf-8")
    flags = ("--data", str(data), "--state", str(state), "--log", "off")
    sizes = []

    first = start_server(*flags)
    sizes.append(records_of(first))
    for _ in range(2):
        first.ask("POST", "/__admin/records", {"entity": "JOBS"})
    assert first.end(signal.SIGTERM)[0] == 0
    second = start_server(*flags)
    sizes.append(records_of(second))
    refused = subprocess.run(
        [sys.executable, "-m", "crmcom_kit", "serve", "--port", "0", *flags],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    second.ask("POST", "/__admin/reset")
    sizes.append(records_of(second))
    second.end(signal.SIGTERM)
    with state.open("ab") as file:
        file.write(b'{"deleted":')
    third = start_server(*flags)
    sizes.append(records_of(third))

    assert sizes == [1, 3, 1, 1]
    line = (
        f"Error: state {state}: another process uses it; stop that process, or name another file\n"
    )
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", line)
    ignored = f"state {state}: the last change is incomplete; its 11 bytes are ignored\n"
    assert third.end(signal.SIGTERM)[2] == ignored


def records_of(server: Any) -> int:
    """How many webhook requests a server has."""
    return int(server.ask("GET", "/__admin/health")[1]["webhook_requests"])


def check(port: int, clients: list[Client]) -> None:
    """Compare what a server has with what its clients know; they learn what was not answered."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    there: dict[str, Any] = {}
    more = True
    while more:
        page = ask(connection, "GET", f"/__admin/records?limit=1000&offset={len(there)}")
        there |= {one["record"]["number"]: one["record"] for one in page["records"]}
        more = page["more"]
    connection.close()
    for client in clients:
        for number, record in client.known.items():
            if record is UNSEEN and number != client.unanswered:
                assert number in there, number
            elif number != client.unanswered:
                assert there.get(number) == record, number
        if client.unanswered in client.known:
            client.known[client.unanswered] = there.get(client.unanswered, GONE)
        client.unanswered = None
