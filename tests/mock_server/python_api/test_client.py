"""A client without a socket: it sees what one over a socket sees, failures included."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from helpers.tables import all_cases

from crmcom_kit.mock_server import Mock, crmcom_mock
from crmcom_kit.mock_server.deliveries.outcomes import Outcome
from crmcom_kit.mock_server.http.endings import ConnectionCut
from crmcom_kit.mock_server.python_api.client import HOST, InProcess

ERROR = httpx.RemoteProtocolError


@pytest.fixture(name="mock", scope="module")
def _mock() -> Iterator[Mock]:
    with crmcom_mock() as mock:
        yield mock


def test_it_answers_as_the_server_does(mock: Mock) -> None:
    """Status, body and the mock's own headers are the same with a socket and without."""
    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "webhook_requests/show?token=none", {}),
        ("GET", "webhook_requests/list?url=%E2%82%AC%20a+b&token=", {}),
        ("HEAD", "webhook_requests/show", {}),
        ("PUT", "webhook_requests/show", {"content": b"{}"}),
        ("POST", "webhook_requests/resend", {"content": b"\xff\xfe"}),
        ("POST", "webhook_requests/resend", {"content": iter([b'{"token":', b'"a"}'])}),
        ("POST", "authentication/token", {"content": b"{", "headers": {"Content-Type": "a/b"}}),
        ("GET", "webhook_requests/%C3%A9t%C3%A9", {}),
        ("GET", "webhook_requests/show/", {"headers": [("X-Twice", "1"), ("X-Twice", "2")]}),
        ("GET", "webhook_requests/show", {"headers": {b"X-Odd": "é".encode()}}),
    ]
    with all_cases() as case:
        for verb, target, more in cases:
            with case(target):
                inside, outside = both(mock, verb, target, **more)
                assert inside == outside


def both(mock: Mock, verb: str, target: str, content: Any = b"", **more: Any) -> Any:
    """What a client without a socket and one with a socket get for the same request."""
    parts = content if isinstance(content, bytes) else b"".join(content)
    streamed = not isinstance(content, bytes)
    with mock.client() as inside, httpx.Client(base_url=mock.url) as outside:
        answers = [
            client.request(verb, target, content=iter([parts]) if streamed else parts, **more)
            for client in (inside, outside)
        ]
    return [
        (one.status_code, one.content, one.headers["X-Crmcom-Mock"], one.headers.get("Allow"))
        for one in answers
    ]


def test_the_journal_sees_the_headers_that_were_sent(mock: Mock) -> None:
    """Repeated headers are joined, and values beyond ASCII arrive."""
    world = mock.world("headers")
    sent = [(b"X-Twice", b"1"), (b"X-Twice", b"2"), (b"X-Odd", b"\xe9")]
    with world.client() as client:
        client.get("webhook_requests/show", headers=sent)
        found = client.get(f"http://{HOST}/worlds/headers/__admin/requests").json()
    world.end()

    headers = {n.lower(): text for n, text in found["requests"][0]["request"]["headers"].items()}
    assert headers["x-twice"] == "1, 2"
    assert headers["x-odd"]


def test_the_base_url_can_be_used_for_urls_of_ones_own(mock: Mock) -> None:
    """Code that joins URLs by itself gets along, and so does one with the server's address."""
    with mock.client() as client:
        assert client.base_url.host == HOST
        for url in (f"{client.base_url}webhook_requests/show", f"{mock.url}/webhook_requests/show"):
            assert client.get(url).headers["X-Crmcom-Mock"]
        assert client.get(f"http://{HOST}/__admin/health").json()["status"] == "healthy"


def test_options_of_the_client_are_httpx_s(mock: Mock) -> None:
    """Whatever httpx.Client takes can be given, another base URL included."""
    base = f"http://{HOST}/__admin/"
    with mock.client(headers={"X-Mock-World": "other"}, base_url=base) as client:
        assert client.get("health").json()["world"] == "other"


def answering(*parts: bytes | Exception, length: int | None = None) -> httpx.Client:
    """Return a client of an application whose answers have these parts."""

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        del environ
        headers = [] if length is None else [("Content-Length", str(length))]
        start_response("200 OK", headers)
        return produced()

    def produced() -> Iterator[bytes]:
        for part in parts:
            if isinstance(part, Exception):
                raise part
            yield part

    return httpx.Client(transport=InProcess(app), base_url=f"http://{HOST}")


def test_a_body_that_ends_early_is_an_error() -> None:
    """What a cut connection gives over a socket is what reading the body gives here."""
    with answering(b"abc", length=5) as client:
        with pytest.raises(ERROR, match=r"received 3 bytes, expected 5"):
            client.get("/")
        with client.stream("GET", "/") as answer:
            assert answer.status_code == 200
            parts = answer.iter_raw()
            assert next(parts) == b"abc"
            with pytest.raises(ERROR, match="peer closed connection"):
                next(parts)
        assert client.head("/").status_code == 200


def test_a_body_comes_in_parts_as_they_are_made() -> None:
    """A stream is read as far as is wanted, and closed."""
    parts = (b"a", b"b", ValueError("nobody asked for this"))
    with answering(*parts) as client, client.stream("GET", "/") as answer:
        found = answer.iter_raw()
        assert [next(found), next(found)] == [b"a", b"b"]


def test_a_cut_before_the_first_byte_still_has_a_status() -> None:
    """As over a socket the head of the response arrives, and reading the body fails."""
    with answering(ConnectionCut(), length=5) as client, client.stream("GET", "/") as answer:
        assert answer.status_code == 200
        with pytest.raises(ERROR, match=r"received 0 bytes, expected 5"):
            answer.read()


def test_faults_fail_as_they_do_over_a_socket(mock: Mock) -> None:
    """A dropped and a cut response raise the same exception with the same message."""
    world = mock.world("failing")
    for fault in ({"drop": True}, {"cut": 5}):
        found = []
        with (
            world.fail(operation="show", **fault),
            world.client() as inside,
            httpx.Client(base_url=world.url) as outside,
        ):
            for client in (inside, outside):
                with pytest.raises(ERROR) as raised:
                    client.get("webhook_requests/show", params={"token": world.token})
                found.append(str(raised.value))
        assert found[0] == found[1]
    world.end()


def test_an_exception_of_the_application_is_raised() -> None:
    """With a timeout, too, where the call runs in another thread."""

    def broken(environ: Any, start_response: Any) -> Any:
        del environ, start_response
        raise ZeroDivisionError

    for timeout in (5, None):
        client = httpx.Client(transport=InProcess(broken), timeout=timeout)
        with client, pytest.raises(ZeroDivisionError):
            client.get(f"http://{HOST}/")


class Slow:
    """A delivery that takes until ``ended`` is set."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    def send(self, attempt: Any) -> Outcome:
        """Wait, then succeed."""
        del attempt
        self.ended.wait(60)
        return Outcome("success", None, None, 200)

    def reset(self) -> None:
        """Nothing to go back to."""


def test_a_slow_delivery_ends_the_patience_of_a_client() -> None:
    """A resend that waits for its receiver raises ReadTimeout, and ends all the same."""
    delivery = Slow()
    mock = crmcom_mock(delivery=delivery)
    body = {"token": mock.token, "webhook_request_identifier": {"number": "7"}}

    with mock.client(timeout=0.05) as client, pytest.raises(httpx.ReadTimeout):
        client.post("webhook_requests/resend", json=body)
    delivery.ended.set()

    mock.wait_for(record="7", state="SUCCESSFUL", timeout=30)


def test_a_client_that_waits_for_less_than_a_fault_takes_times_out(mock: Mock) -> None:
    """As over a socket the client gives up, and the mock carries the call out all the same."""
    world = mock.world("slow")
    body = {"token": world.token, "webhook_request_identifier": {"number": "7"}}
    with world.client(timeout=0.05) as client, world.fail(delay=60_000, when="after_commit"):
        with pytest.raises(httpx.ReadTimeout):
            client.post("webhook_requests/delete", json=body)
        world.wait_for(record="7", state="DELETED", timeout=60)
        world.clock.freeze()
        answer = client.post("webhook_requests/delete", json=body, timeout=30)
        assert answer.json()["status"]["code"] != "OK"
    with world.client(timeout=0.05, headers={"X-Mock-Prefer": "delay=60000"}) as client:
        world.clock.restart()
        with pytest.raises(httpx.ReadTimeout):
            client.post("webhook_requests/delete", json=body)
    world.end()
