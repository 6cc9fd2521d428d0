"""A mock in this process, whose responses are all checked against the schemas."""

import http.client
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from helpers.patience import PATIENCE
from helpers.records import every_record
from helpers.serving import origin_of
from werkzeug.datastructures import Headers

from crmcom_kit.mock_server import create_app, crmcom_mock, make_world
from crmcom_kit.schemas import API_PATH, resolve
from crmcom_kit.schemas.loader import compiled
from crmcom_kit.schemas.statements import statement

TOKEN = "T"
_ANSWERS = {
    "webhook_requests/show": "show_answer",
    "webhook_requests/list": "list_answer",
    "webhook_requests/resend": "resend_answer",
    "webhook_requests/delete": "delete_answer",
    "authentication/token": "token_answer",
    "authentication/token/release": "release_answer",
    "authentication/web_api_key/token": "token_answer",
}


@dataclass(frozen=True)
class Reply:
    """One response of the API."""

    http: int
    headers: Headers
    text: str
    json: Any

    @property
    def code(self) -> str:
        return str(self.json["status"]["code"])

    @property
    def message(self) -> str:
        return str(self.json["status"]["message"])

    @property
    def data(self) -> Any:
        return self.json["data"]

    @property
    def statement(self) -> str | None:
        """The statement that an error upholds."""
        return self.headers.get("X-Mock-Statement")

    @property
    def warnings(self) -> list[str]:
        """What the mock remarked on the call."""
        return self.headers.getlist("X-Mock-Warning")


class Mock:
    """A mock and a client of it, in one process."""

    def __init__(self, release: str = "R9", **options: Any) -> None:
        self.world = make_world(release=release, tokens=[TOKEN], **options)
        self.app = create_app(self.world)
        self.client = self.app.test_client()

    def send(self, verb: str, path: str, query: str = "", body: Any = None, **more: Any) -> Reply:
        """Send a request as it stands; a body that is no bytes is written as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        url = f"{API_PATH}/{path}?{query}" if query else f"{API_PATH}/{path}"
        response = self.client.open(url, method=verb, data=data, **more)
        text = response.get_data(as_text=True)
        reply = Reply(
            response.status_code, response.headers, text, json.loads(text) if text else None
        )
        if verb != "HEAD":
            self._hold(path.rstrip("/"), reply)
        return reply

    def _hold(self, path: str, reply: Reply) -> None:
        """Fail where a response is not what the schemas and the catalogue promise."""
        ok = reply.code == "OK"
        schema = _ANSWERS[path] if ok else "error_answer"
        errors = self._errors(schema, reply.json)
        assert not errors, errors
        assert "Traceback" not in reply.text
        assert reply.headers["Content-Type"] == self.world.config.dialect["envelope.content_type"]
        for name, value in reply.headers:
            assert re.fullmatch("[ -~]*", value), name
        assert (reply.statement is None) == ok
        if reply.statement is not None:
            assert statement(reply.statement).text

    def _errors(self, schema: str, response: Any) -> list[str]:
        """What the schema finds."""
        release = self.world.config.release
        # A dial can bring an entity earlier than the release that the schemas date it to.
        dated = resolve(release.name).entities
        narrowed = release.name if set(self.world.config.release.entities) == set(dated) else None
        schema_validator = compiled(schema, "strict", narrowed)
        return [error.message for error in schema_validator.iter_errors(response)]

    def get(self, method: str, query: str = "", **parameters: str) -> Reply:
        """Call a GET method: ``query`` as it stands, then parameters percent-encoded."""
        parts = [query] if query else []
        parts += [f"{name}={quote(value, safe='')}" for name, value in parameters.items()]
        return self.send("GET", f"webhook_requests/{method}", "&".join([f"token={TOKEN}", *parts]))

    def show(self, identifier: str = "number=7", **parameters: str) -> Reply:
        return self.get("show", f"webhook_request_identifier={identifier}", **parameters)

    def list(self, query: str = "", **parameters: str) -> Reply:
        return self.get("list", query, **parameters)

    def post(self, method: str, **members: Any) -> Reply:
        """Call a POST method of webhook_requests with a JSON body."""
        return self.send("POST", f"webhook_requests/{method}", body={"token": TOKEN, **members})

    def resend(self, number: str = "7", **members: Any) -> Reply:
        return self.post("resend", webhook_request_identifier={"number": number}, **members)

    def delete(self, number: str = "7", **members: Any) -> Reply:
        return self.post("delete", webhook_request_identifier={"number": number}, **members)

    def login(self, **members: Any) -> Reply:
        """Call authentication/token with the right credentials, changed by ``members``."""
        right = self.world.config.credentials
        body = {
            "username": right.username,
            "password": right.password,
            "organisation": right.organisation,
        }
        return self.send("POST", "authentication/token", body={**body, **members})

    def code_of(self, kind: str) -> str:
        """The code that this mock's dialect gives an error of ``kind``."""
        return str(self.world.config.dialect[f"errors.{kind}.code"])

    def state(self) -> tuple[bytes, ...]:
        """Every record that it has, newest first."""
        return every_record(self.world)

    def records(self) -> dict[str, Any]:
        """Every record that it has, by number."""
        entries = map(json.loads, self.state())
        return {record["number"]: record for record in entries}


@pytest.fixture(scope="session")
def make_mock() -> type[Mock]:
    """Make a mock: ``make_mock("R15", dialect=…, clock=…)``."""
    return Mock


class Peer:
    """A client of a server on a port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def connect(self, host: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection((host, self.port), timeout=PATIENCE)

    def ask(self, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Ask on a connection of its own; return status and JSON. A dictionary is sent as JSON."""
        with closing(
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        ) as connection:
            connection.request(verb, path, json.dumps(body) if isinstance(body, dict) else body)
            response = connection.getresponse()
            return response.status, json.load(response)

    def sent(self, *parts: bytes) -> bytes:
        """Send parts one by one, and no more; return all that comes until the connection ends."""
        received = b""
        with self.connect() as connection:
            with suppress(OSError):  # it is refused already
                for part in parts:
                    connection.sendall(part)
                    time.sleep(0.01 if len(parts) > 1 else 0)
                connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):  # it did not read all that was sent
                while part := connection.recv(65_536):
                    received += part
        return received


class Served(Peer):
    """A server in a process of its own."""

    def __init__(self, *command: str, **more: Any) -> None:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        self.process = subprocess.Popen(command, text=True, **pipes)
        self.first_line = self.process.stdout.readline() if self.process.stdout else ""

    @property
    def base(self) -> str:
        """The base URL that it printed."""
        return self.first_line.removeprefix("READY ").strip()

    @property
    def port(self) -> int:  # type: ignore[override]
        return int(re.search(r":(\d+)/", self.base)[1])  # type: ignore[index]

    def end(self, *signals: int) -> tuple[int, str, str]:
        """Send signals, wait for its end; return exit status and what else it printed."""
        for number in signals:
            self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        # Not communicate(): it would lose what was buffered when the first line was read.
        pipes = (self.process.stdout, self.process.stderr)
        out, err = ("" if pipe is None or pipe.closed else pipe.read() for pipe in pipes)
        return status, out, err


@pytest.fixture(scope="session")
def peer() -> type[Peer]:
    """Make a client of a port."""
    return Peer


@pytest.fixture(scope="module")
def server() -> Iterator[Peer]:
    """A mock that listens in this process, for the tests of a module that do not end it."""
    with crmcom_mock(tokens=["T"]) as mock:
        yield Peer(int(origin_of(mock).rpartition(":")[2]))


@pytest.fixture(scope="session")
def start_server() -> Iterator[Callable[..., Served]]:
    """Start ``crmcom-kit serve`` on a free port with flags, or another command."""
    started: list[Served] = []

    def start(*flags: str, command: tuple[str, ...] = (), **more: Any) -> Served:
        command = command or (sys.executable, "-m", "crmcom_kit", "serve", "--port", "0")
        started.append(Served(*command, *flags, **more))
        return started[-1]

    yield start
    for server in started:
        server.process.kill()
        server.process.communicate()


@pytest.fixture
def hurried() -> Iterator[None]:
    """Let threads take turns as often as they can, so that a missing lock shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)
