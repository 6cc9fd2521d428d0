"""Faults on real connections: what a client's socket sees."""

import http.client
import json
import re
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from crmcom_kit.schemas import API_PATH

SHOW = f"{API_PATH}/webhook_requests/show?token=T&webhook_request_identifier=number=7"
RESEND = f"{API_PATH}/webhook_requests/resend"
LOGIN = f"{API_PATH}/authentication/token"
NAMED = {"token": "T", "webhook_request_identifier": {"number": "7"}}


@pytest.fixture(scope="module")
def running(start_server: Any) -> Any:
    """A server that is reset after each test."""
    return start_server("--token", "T", "--log", "off")


@pytest.fixture
def server(running: Any) -> Any:
    """A server that is reset after each test."""
    yield running
    asked(running, "POST", "/__admin/reset")


def told(path: str, *headers: str, body: Any = None) -> bytes:
    """A request as bytes."""
    text = b"" if body is None else json.dumps(body).encode()
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", "Host: localhost", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(text)}")
    return "\r\n".join([*lines, "", ""]).encode() + text


def sent(server: Any, *requests: bytes) -> bytes:
    """Send requests on one connection; return all that comes until the server ends it."""
    found = b""
    with server.connect() as connection:
        connection.sendall(b"".join(requests))
        try:
            while part := connection.recv(65_536):
                found += part
        except ConnectionResetError:
            pass
    return found


def asked(server: Any, verb: str, path: str, body: Any = None) -> Any:
    """The JSON that a request of its own connection is answered with."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(verb, path, None if body is None else json.dumps(body))
    found = json.load(connection.getresponse())
    connection.close()
    return found


def length(head: bytes) -> int:
    """The announced length of an answer."""
    found = re.search(rb"content-length: ([0-9]+)", head, re.IGNORECASE)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("prefer", ["fault=drop", "fault=lost_answer", "delay=30,fault=drop"])
@pytest.mark.parametrize("path", [SHOW, LOGIN, f"{API_PATH}/nothing"])
def test_a_drop_sends_nothing(server: Any, prefer: str, path: str) -> None:
    """Not a byte comes, the connection ends, and the server answers the next client."""
    assert sent(server, told(path, f"X-Mock-Prefer: {prefer}")) == b""
    assert asked(server, "GET", SHOW)["data"]["number"] == "7"


def test_a_dropped_head_sends_nothing(server: Any) -> None:
    """HEAD is dropped like any other call."""
    request = told(SHOW, "X-Mock-Prefer: fault=drop").replace(b"GET", b"HEAD", 1)

    assert sent(server, request) == b""


@pytest.mark.parametrize("kept", [1, 500])
def test_a_cut_sends_head_and_some_bytes(server: Any, kept: int) -> None:
    """Status line and the whole length come, then so many bytes, then the end."""
    whole = sent(server, told(SHOW, "Connection: close")).partition(b"\r\n\r\n")[2]

    head, _, body = sent(server, told(SHOW, f"X-Mock-Prefer: cut={kept}")).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert length(head) == len(whole)
    assert body == whole[:kept]
    assert asked(server, "GET", SHOW)["data"]["number"] == "7"


def test_a_client_sees_what_it_is(server: Any) -> None:
    """To a client's library a drop is no answer at all, and a cut is an incomplete one."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", SHOW, headers={"X-Mock-Prefer": "fault=drop"})
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()
    connection.request("GET", SHOW, headers={"X-Mock-Prefer": "fault=cut"})
    with pytest.raises(http.client.IncompleteRead):
        connection.getresponse().read()
    connection.close()


def test_earlier_answers_of_the_connection_come_whole(server: Any) -> None:
    """A drop ends the connection behind the answers that are due before it."""
    found = sent(server, told(SHOW), told(SHOW, "X-Mock-Prefer: fault=drop"), told(SHOW))

    head, _, body = found.partition(b"\r\n\r\n")
    assert len(body) == length(head)
    assert json.loads(body)["data"]["number"] == "7"


@pytest.mark.parametrize("effect", [{"drop": True}, {"cut": 20}])
def test_the_resend_was_done_whose_answer_was_lost(server: Any, effect: Any) -> None:
    """After the commit the record is what the resend made of it, though nobody was told."""
    spec = {"match": {"operation": "resend"}, "effect": effect, "when": "after_commit", "times": 1}
    fault = asked(server, "POST", "/__admin/faults", spec)
    assert asked(server, "GET", SHOW)["data"]["life_cycle_state"] == "REJECTED"

    assert len(sent(server, told(RESEND, body=NAMED)).partition(b"\r\n\r\n")[2]) < 21

    assert asked(server, "GET", SHOW)["data"]["life_cycle_state"] == "SUCCESSFUL"
    assert asked(server, "GET", f"/__admin/faults/{fault['id']}")["left"] == 0
    assert "ONLYREJECTED" in asked(server, "POST", RESEND, NAMED)["status"]["code"]


def test_a_dropped_resend_was_not_done(server: Any) -> None:
    """Before the commit nothing has happened, and the client may do it again."""
    asked(server, "POST", "/__admin/faults", {"effect": {"drop": True}, "times": 1})

    assert sent(server, told(RESEND, body=NAMED)) == b""

    assert asked(server, "GET", SHOW)["data"]["life_cycle_state"] == "REJECTED"
    assert asked(server, "POST", RESEND, NAMED)["status"]["code"] == "OK"


def test_a_bad_preference_is_refused(server: Any) -> None:
    """A header that asks for nonsense is answered with what is wrong with it, as JSON."""
    found = sent(server, told(SHOW, "X-Mock-Prefer: error=gone", "Connection: close"))

    head, _, body = found.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["parameter"] == "X-Mock-Prefer.error"
    assert json.loads(body)["seen"] == '"gone"'


def test_a_malformed_answer_keeps_the_connection(server: Any) -> None:
    """An answer that is no JSON is sent as any other, and the connection goes on."""
    found = sent(
        server, told(SHOW, "X-Mock-Prefer: fault=malformed"), told(SHOW, "Connection: close")
    )

    head, _, rest = found.partition(b"\r\n\r\n")
    with pytest.raises(json.JSONDecodeError):
        json.loads(rest[: length(head)])
    assert rest[length(head) :].startswith(b"HTTP/1.1 200 OK")


def test_many_connections_are_dropped_at_once(server: Any) -> None:
    """Of 64 clients at once so many get no answer as the fault says, and the others theirs."""
    asked(server, "POST", "/__admin/faults", {"effect": {"drop": True}, "times": 20})

    with ThreadPoolExecutor(64) as pool:
        found = list(pool.map(lambda _: sent(server, told(SHOW, "Connection: close")), range(64)))

    assert sorted(map(bool, found)) == [False] * 20 + [True] * 44


def test_the_log_says_what_happened(start_server: Any) -> None:
    """Each call has its line, with the fault and how the answer ended; there is no traceback."""
    server = start_server("--token", "T", "--log", "json")
    for prefer in ("fault=drop", "cut=7", "status=503", "fault=malformed", "delay=1"):
        sent(server, told(SHOW, f"X-Mock-Prefer: {prefer}", "Connection: close"))

    _, _, log = server.end(signal.SIGTERM)

    lines = [json.loads(line) for line in log.splitlines()]
    found = [(e["status"], e["bytes"], e["fault"], e.get("ending")) for e in lines]
    assert found[:3] == [
        (0, 0, "prefer (fault=drop)", "dropped"),
        (200, 7, "prefer (cut=7)", "cut"),
        (503, found[2][1], "prefer (status=503)", None),
    ]
    assert [one[2:] for one in found[3:]] == [
        ("prefer (fault=malformed)", None),
        ("prefer (delay=1)", None),
    ]


def test_a_held_back_call_does_not_hold_the_server(start_server: Any) -> None:
    """While calls are held back others are answered, as long as there are threads."""
    server = start_server("--token", "T", "--log", "off", "--threads", "2")
    with server.connect() as slow:
        slow.sendall(told(SHOW, "X-Mock-Prefer: delay=20000"))

        assert asked(server, "GET", SHOW)["data"]["number"] == "7"
        slow.settimeout(0.2)
        with pytest.raises(socket.timeout):
            slow.recv(1)


def test_a_held_back_call_does_not_hold_up_the_end(start_server: Any) -> None:
    """A server that is told to end lets go of a call that it holds back, and answers it."""
    server = start_server("--token", "T", "--log", "off")
    spec = {"match": {"operation": "show"}, "effect": {"delay": 300_000}}
    fault = asked(server, "POST", "/__admin/faults", spec)
    with server.connect() as slow:
        slow.sendall(told(SHOW, "Connection: close"))
        for _ in range(100):
            if asked(server, "GET", f"/__admin/faults/{fault['id']}")["hits"]:
                break

        assert server.end(signal.SIGTERM)[0] == 0
        assert slow.recv(9).startswith(b"HTTP/1.1 ")
