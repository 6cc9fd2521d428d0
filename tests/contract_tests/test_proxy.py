"""`crmcom-kit proxy`: forwards a client's requests to one server, and checks them as they pass."""

import datetime as dt
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers.checking import OURS, check, command
from helpers.receivers import Listening, answering, listening, read_request
from helpers.recordings import IDENTIFIER, ok, record
from helpers.serving import served
from mutants.table import ROWS
from stand_in.server import ORGANISATION, PASSWORD, USERNAME, StandIn

from crmcom_kit.contract_tests.config import prepared
from crmcom_kit.contract_tests.options import DEFAULTS
from crmcom_kit.contract_tests.proxy import traffic as traffic_module
from crmcom_kit.contract_tests.proxy.forwarding import Forwarding
from crmcom_kit.contract_tests.proxy.serving import Server, listening_on
from crmcom_kit.contract_tests.proxy.traffic import Traffic
from crmcom_kit.contract_tests.recorded.reading import UNKNOWN_METHOD
from crmcom_kit.contract_tests.results import Results
from crmcom_kit.schemas import API_PATH

SITE = f"/site{API_PATH}"  # where servers have the API
SHOW = "/webhook_requests/show"
TOKEN = "CAFED00D" * 4
Answer = bytes | Callable[[socket.socket], object]


@dataclass
class Proxied:
    """A proxy in this process."""

    base: str
    traffic: Traffic
    told: list[Results | str]

    def get(self, path: str = SHOW, **options: Any) -> httpx.Response:
        """Send a request through the proxy."""
        return httpx.get(f"{self.base}{path}", trust_env=False, timeout=20, **options)

    def raw(self, text: str) -> bytes:
        """Send bytes to the proxy, and return all that comes back."""
        address = httpx.URL(self.base)
        with socket.create_connection((address.host, address.port or 0), timeout=20) as connection:
            connection.sendall(text.replace("\n", "\r\n").encode())
            return b"".join(iter(lambda: connection.recv(65_536), b""))


@contextmanager
def proxied(base_url: str, *, timeout: float = 20, read_only: bool = False) -> Iterator[Proxied]:
    """Run a proxy in a thread as long as the block lasts."""
    now = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)
    target, config = prepared(DEFAULTS | {"base_url": base_url}, now=now, logs_in=False)
    told: list[Results | str] = []
    ready, bound = threading.Event(), listening_on("127.0.0.1", 0)
    base = f"http://127.0.0.1:{bound.getsockname()[1]}{API_PATH}"
    found = Proxied(base, Traffic(target, config, told.append, now), told)
    app = Forwarding(base_url, found.traffic, timeout=timeout, read_only=read_only)
    server = Server(app, ready.set)
    thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield found
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def before(
    answer: Answer, *, reads: bool = True, **options: Any
) -> Iterator[tuple[Proxied, Listening]]:
    """Run a proxy before a server that answers each connection in the same way."""
    handle = answering(answer) if isinstance(answer, bytes) else answer
    with listening(handle, reads=reads) as server:
        base = server.url.removesuffix("/in") + SITE
        with proxied(base, **options) as proxy:
            yield proxy, server


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return a response as a server writes it."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


# What is forwarded, and how.


def test_a_request_arrives_as_it_was_sent_and_so_does_the_response() -> None:
    """Path, body and headers, less those of one connection; the coding of the body as well.

    Whichever host the target names, it is the one server that gets it.
    """
    zipped = gzip.compress(b'{"a": 1}')
    headers = ("Content-Encoding: gzip", "Set-Cookie: a=1", "Set-Cookie: b=2", "X-Own: 1")
    hops = ("Connection: x-hop", "X-Hop: 1", "Keep-Alive: timeout=5", "Proxy-Authenticate: Basic")
    with before(response(zipped, *headers, *hops)) as (proxy, server):
        answer = proxy.raw(
            f"POST http://other.example{API_PATH}/any//path%2F;x?a=%20&a=+ HTTP/1.1\n"
            "Host: localhost\nX-Sent: 1\n"
            "Connection: close, X-Private\nX-Private: 1\nTE: trailers\nUpgrade: h2c\n"
            "Proxy-Authorization: Basic x\nAuthorization: Basic YTo=\nContent-Length: 4\n\nbody"
        )
    (got,) = server.got
    line, *sent = got.partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
    assert line == f"post {SITE}/any//path%2f;x?a=%20&a=+ http/1.1"
    assert sorted(sent) == [
        "authorization: basic yto=", "content-length: 4", f"host: 127.0.0.1:{server.port}",
        "x-sent: 1",
    ]  # fmt: skip
    assert got.endswith(b"\r\n\r\nbody")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == zipped
    lines = [each for each in head.decode().lower().split("\r\n")[1:] if "connection" not in each]
    assert sorted(lines) == sorted(
        [f"content-length: {len(zipped)}", *(each.lower() for each in headers)]
    )


def test_the_body_of_a_request_is_passed_on_as_it_comes() -> None:
    """The server has the first part before the client has sent the second."""
    arrived = threading.Event()

    def handle(connection: socket.socket) -> None:
        text = b""
        while b"two" not in text:
            text += connection.recv(65_536)
            if b"one" in text:
                arrived.set()
        connection.sendall(response(b"both"))

    def body() -> Iterator[bytes]:
        yield b"one"
        assert arrived.wait(20)
        yield b"two"

    with before(handle, reads=False) as (proxy, _):
        sent = httpx.post(f"{proxy.base}/x", content=body(), trust_env=False, timeout=20)
    assert sent.text == "both"


def test_the_body_of_a_response_is_passed_on_as_it_comes() -> None:
    """The client has the first part before the server has sent the second."""
    go_on = threading.Event()

    def handle(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        assert go_on.wait(20)
        connection.sendall(b"3\r\ntwo\r\n0\r\n\r\n")

    with (
        before(handle) as (proxy, _),
        httpx.stream("GET", f"{proxy.base}/x", trust_env=False, timeout=20) as got,
    ):
        chunks = got.iter_raw()
        assert next(chunks) == b"one"
        go_on.set()
        assert b"".join(chunks) == b"two"


def test_a_redirect_is_passed_on_and_not_followed() -> None:
    """Wherever it leads."""
    with (
        listening(answering(response(b"elsewhere"))) as other,
        before(response(b"", f"Location: {other.url}", status="302 Found")) as (proxy, _),
    ):
        answer = proxy.get()
        assert (answer.status_code, answer.headers["Location"]) == (302, other.url)
        assert not other.got


@pytest.mark.parametrize(("verb", "status"), [("HEAD", "200 OK"), ("GET", "304 Not Modified")])
def test_a_response_without_a_body_may_have_the_length_of_one(verb: str, status: str) -> None:
    """It is that of another response."""
    text = f"HTTP/1.1 {status}\r\nETag: one\r\nContent-Length: 10\r\n\r\n"
    with before(text.encode()) as (proxy, _):
        answer = httpx.request(verb, f"{proxy.base}/x", trust_env=False, timeout=20)
        assert (str(answer.status_code), answer.headers["ETag"]) == (status[:3], "one")
        results = proxy.traffic.finish()
    assert results.exit_code == 2
    assert results.trouble == "no request through the proxy tests any of the selected statements"


@pytest.mark.parametrize(
    ("answer", "status"),
    [(b"", 502), (b"no HTTP\r\n\r\n", 502), (lambda one: one.recv(1), 504)],
    ids=["closed", "not HTTP", "silent"],
)
def test_a_server_that_does_not_respond_is_asked_once(answer: Answer, status: int) -> None:
    """The client learns in a line what happened, with a status that says so."""
    with before(answer, timeout=0.3 if status == 504 else 20) as (proxy, server):
        got = proxy.get(params={"token": TOKEN})
        assert len(server.got) == 1
    assert got.status_code == status
    assert got.text.count("\n") == 1
    assert TOKEN not in got.text


def test_a_response_that_breaks_off_breaks_off_for_the_client() -> None:
    """It must not take the beginning for the whole."""
    with before(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart") as (proxy, _):
        with pytest.raises(httpx.RemoteProtocolError):
            proxy.get()
        results = proxy.traffic.finish()
    assert "1 without a response" in " ".join(results.warnings)


def test_a_client_that_leaves_early_is_no_error() -> None:
    """What it has not sent is not forwarded to its end; the next client is served."""
    began, left = threading.Event(), threading.Event()

    def handle(connection: socket.socket) -> None:
        began.set()
        while connection.recv(65_536):
            pass
        left.set()

    with before(handle, reads=False) as (proxy, _):
        address = httpx.URL(proxy.base)
        with socket.create_connection((address.host, address.port or 0)) as client:
            head = f"POST {API_PATH}{SHOW} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
            client.sendall(f"{head}part".encode())
            assert began.wait(20)
        assert left.wait(20)
        assert "internal" not in str(proxy.traffic.finish().trouble)


# What is not forwarded.

TRICKS = [
    "webhook_requests/resend", "webhook_requests/delete/", "/webhook_requests//RESEND",
    "webhook_requests/%72esend", "webhook_requests%2Fdelete", "webhook_requests/re%2573end",
    "webhook_requests/resend;x=1", "webhook_requests/delete.json", "webhook_requests\\delete",
    "webhook_requests/re%00send", "webhook_requests/re%C5%BFend", "x/%252564elete",
]  # fmt: skip


@pytest.mark.parametrize("path", TRICKS)
def test_read_only_forwards_neither_resend_nor_delete(path: str) -> None:
    """In no spelling, with no verb."""
    with before(response(b"{}"), read_only=True) as (proxy, server):
        for verb in ("POST", "GET", "PATCH"):
            head = f"{verb} {API_PATH}/{path} HTTP/1.1\nHost: localhost\nConnection: close\n\n"
            assert b" 403 " in proxy.raw(head)
        assert not server.got
        assert proxy.get().status_code == 200


FOREIGN = {
    "an absolute target of another host": ("http://other.example{path}", "Host: other.example"),
    "a name that begins like ours": ("{path}", "Host: 127.0.0.1.other.example"),
    "a host behind a user": ("{path}", "Host: localhost@other.example"),
    "no host": ("{path}", "X: y"),
    "two hosts": ("{path}", "Host: localhost\nHost: other.example"),
    "a page elsewhere": ("{path}", "Host: localhost\nOrigin: http://other.example"),
    "a page in a sandbox": ("{path}", "Host: localhost\nOrigin: null"),
    "a page on another port": ("{path}", "Host: localhost\nOrigin: http://localhost:3000"),
    "a picture in a page": ("{path}", "Host: localhost\nSec-Fetch-Site: cross-site"),
    "two slashes": ("//other.example{path}", "Host: localhost"),
    "up": (API_PATH + "/../../../__admin", "Host: localhost"),
    "up, encoded": (API_PATH + "/%2e%2e/x", "Host: localhost"),
    "up, with a character that a server may drop": (API_PATH + "/.%00./x", "Host: localhost"),
    "up, with a parameter": (API_PATH + "/..;/x", "Host: localhost"),
    "another path": ("/__admin/records", "Host: localhost"),
    "a longer name": (API_PATH + "2/x", "Host: localhost"),
    "a tunnel": ("other.example:443", "Host: other.example"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_nothing_else_is_forwarded(name: str) -> None:
    """Neither what a web page may have sent, nor what leads elsewhere."""
    target, headers = FOREIGN[name]
    verb = "CONNECT" if name == "a tunnel" else "GET"
    with before(response(b"{}")) as (proxy, server):
        head = f"{verb} {target.format(path=API_PATH + SHOW)} HTTP/1.1\n{headers}\n"
        answer = proxy.raw(f"{head}Connection: close\n\n")
        assert re.match(rb"HTTP/1.1 (400|403|404) ", answer)
        assert not server.got


# What is checked.


def envelope(data: Any) -> bytes:
    """Return a response of success with ``data``."""
    return response(str(ok(data)[1]).encode(), "Content-Type: application/json")


WRONG = {"entity": "JOBS", "life_cycle_state": "REJECTED", "token": TOKEN}
DONE = record(1, life_cycle_state="SUCCESSFUL")


def test_a_violation_is_told_as_it_is_seen() -> None:
    """Once for each cause, while requests go on; the results have it as well."""
    zipped = gzip.compress(str(ok([DONE])[1]).encode())
    with before(response(zipped, "Content-Encoding: gzip")) as (proxy, _):
        for _ in range(3):
            assert proxy.get("/webhook_requests/list", params=WRONG).status_code == 200
        results = proxy.traffic.finish()
    (told,) = proxy.told
    for each in (told, results):
        assert isinstance(each, Results)
        found = [one.statement.id for one in each.statements if one.violations]
        assert found == ["list.life_cycle_state.filter"]
    assert results.exit_code == 1


@pytest.mark.parametrize("overlap", [True, False])
def test_what_overlaps_a_change_is_not_held_against_it(*, overlap: bool) -> None:
    """A show that ends after a delete may have been carried out before it."""
    showing, deleted = threading.Event(), threading.Event()

    def handle(connection: socket.socket) -> None:
        request = read_request(connection)
        if b"/show" in request:
            showing.set()
            assert deleted.wait(20)
        connection.sendall(envelope([record(1)] if b"/list" in request else record(1)))

    named = {"token": TOKEN, IDENTIFIER: {"id": record(1)["id"]}}
    query = {"token": TOKEN, IDENTIFIER: f"id={record(1)['id']}"}
    with before(handle, reads=False) as (proxy, _):
        proxy.get("/webhook_requests/list", params={"token": TOKEN, "entity": "JOBS"})
        show = threading.Thread(target=proxy.get, kwargs={"params": query})
        if overlap:
            show.start()
            assert showing.wait(20)
        url = f"{proxy.base}/webhook_requests/delete"
        assert httpx.post(url, json=named, trust_env=False, timeout=20).status_code == 200
        deleted.set()
        if not overlap:
            show.start()
        show.join(20)
        results = proxy.traffic.finish()
    assert len(results.history) == 3
    found = [each.statement.id for each in results.statements if each.violations]
    assert found == ([] if overlap else ["delete.gone"])


def test_what_is_not_checked_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is forwarded all the same: too long, in another coding, beyond what is kept."""
    monkeypatch.setattr(traffic_module, "MAX_RESPONSE", 10_000)
    monkeypatch.setattr(traffic_module, "MAX_KEPT", 30_000)

    def handle(connection: socket.socket) -> None:
        query = read_request(connection).partition(b"?")[2]
        headers = ["Connection: close", *["Content-Encoding: own"] * (b"coded" in query)]
        connection.sendall(response(b"x" * (20_000 if b"long" in query else 10), *headers))

    with before(handle, reads=False) as (proxy, _):
        for _ in range(2):  # which takes no room
            proxy.get("/other", params={"long": ""})
        asked = ["long", "coded", *"abcdefg"]
        sizes = [len(proxy.get(params={each: ""}).content) for each in asked]
        results = proxy.traffic.finish()
    assert sizes == [20_000, *[10] * 8]
    assert sum(isinstance(each, str) for each in proxy.told) == 1
    warnings = " ".join(results.warnings)
    for why in (traffic_module.LONG, traffic_module.CODED, traffic_module.BEYOND):
        assert re.search(rf"\d {why}", warnings)
    assert f"2 {UNKNOWN_METHOD}" in warnings


# The command.


@dataclass
class Running:
    """The command in a process of its own."""

    process: subprocess.Popen[str]
    base: str

    def stop(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Send it a signal; return its exit code, and what it has printed since."""
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=30)
        assert not errors
        return self.process.returncode, output


@contextmanager
def running(folder: Path, *options: str, **variables: str) -> Iterator[Running]:
    """Start the command on a free port, and wait until it accepts connections."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
    process = subprocess.Popen(
        [sys.executable, "-m", "crmcom_kit", "proxy", "--port", "0", *options],
        cwd=folder, env=environment | variables, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    with process:
        found = re.match(rf"(http://127\.0\.0\.1:\d+{API_PATH}) ", process.stdout.readline())
        assert found is not None
        try:
            yield Running(process, found[1])
        finally:
            process.kill()


def use(base: str) -> list[str]:
    """Log in twice, list, show, resend, and be refused, as a client does; return the tokens."""
    login = {"username": USERNAME, "password": PASSWORD, "organisation": ORGANISATION}
    with httpx.Client(base_url=base, trust_env=False, timeout=20) as client:
        answers = [client.post("/authentication/token", json=login).json() for _ in range(2)]
        first, second = (each["data"]["token"] for each in answers)
        listed = client.get("/webhook_requests/list", params={"token": first, "entity": "JOBS"})
        number = listed.json()["data"][0]["number"]
        for token in (first, second, "0DDBA115" * 4):
            query = f"token={token}&{IDENTIFIER}=number={number}"
            client.get(f"/webhook_requests/show?{query}")
        client.post(
            "/webhook_requests/resend", json={"token": first, IDENTIFIER: {"number": number}}
        )
        client.post("/authentication/token/release", json={"token": second})
    return [first, second]


@pytest.mark.parametrize(
    ("server", "number", "code"),
    [
        (StandIn(), signal.SIGINT, 0),
        (ROWS["list_numbers_are_integers"].server(), signal.SIGTERM, 1),
    ],
    ids=["sound", "wrong"],
)
def test_a_session(server: StandIn, number: signal.Signals, code: int, tmp_path: Path) -> None:
    """A violation is printed at once; no file has a secret; the archive is checked alike."""
    files = ("--har=a.har", "--json=a.json", "--html=a.html", "--junit=a.xml")
    with served(server) as base, running(tmp_path, *files, CRMCOM_BASE_URL=base) as proxy:
        tokens = use(proxy.base)
        printed = ""
        while code and "curl" not in printed:
            assert proxy.process.stdout is not None
            printed += proxy.process.stdout.readline()
        done, output = proxy.stop(number)
    assert done == code, output
    assert printed.count("✗ response.number") == code
    assert ("BROKEN" if code else "PASSED") in output
    for text in (printed, output, *(each.read_text() for each in tmp_path.iterdir())):
        assert not [secret for secret in (PASSWORD, *tokens) if secret in text]
    asked = re.findall(r"show\?token=([^&]*)&", (tmp_path / "a.har").read_text())
    assert len({*asked}) == len(asked) == 3
    again = check(tmp_path, "--from-har=a.har", "--json=b.json")
    assert again.returncode == code, again.stdout
    one, two = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    for report in (one, two):  # its words say where no request was
        report["summary"].pop("headline")
    assert one["summary"] == two["summary"]
    assert [each["requests"] for each in one["statements"]] == [
        each["requests"] for each in two["statements"]
    ]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ([], "--base-url"),
        (["--base-url", "http://x", "--host", "0.0.0.0"], "--host"),  # noqa: S104 - is refused
        (["--base-url", "http://x", "--host", "x.example"], "--host"),
        (["--base-url", "http://x", "--har", "none/a.har"], "--har"),
        (["--base-url", "http://x", "--timeout", "0"], "--timeout"),
    ],
)
def test_a_command_line_that_cannot_be_followed(
    tmp_path: Path, options: list[str], named: str
) -> None:
    """One line that names the option, and exit code 2."""
    done = command(tmp_path, "proxy", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert named in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_address_that_cannot_be_used(tmp_path: Path) -> None:
    """A port that is taken, and that of the proxy itself, which would forward to itself."""
    with listening_on("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        for url, named in (("http://x", port), (f"http://localhost:{port}", "--base-url")):
            done = command(tmp_path, "proxy", "--base-url", url, "--port", port)
            assert (done.returncode, named in done.stderr) == (2, True)
