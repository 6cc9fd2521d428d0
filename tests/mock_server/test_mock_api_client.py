"""A client without a socket: it sees what one over a socket sees, failures included."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from crmcom_kit.mock_server import Mock, crmcom_mock
from crmcom_kit.mock_server.python_api.client import HOST, InProcess

ERROR = httpx.RemoteProtocolError


@pytest.fixture(name="mock", scope="module")
def _mock() -> Iterator[Mock]:
    with crmcom_mock() as mock:
        yield mock


@pytest.mark.parametrize(
    ("verb", "target", "more"),
    [
        ("GET", "webhook_requests/show?token=none", {}),
        ("GET", "webhook_requests/list?url=%E2%82%AC%20a+b&token=", {}),
        ("HEAD", "webhook_requests/show", {}),
        ("PUT", "webhook_requests/show", {"content": b"{}"}),
        ("POST", "webhook_requests/resend", {"content": b"\xff\xfe"}),
        ("POST", "webhook_requests/resend", {"content": iter([b'{"token":', b'"a"}'])}),
        ("POST", "authentication/token", {"content": b"{", "headers": {"Content-Type": "a/b"}}),
        ("GET", "webhook_requests/%C3%A9t%C3%A9", {}),
        ("GET", "webhook_requests/show/", {"headers": [("X-Twice", "1"), ("X-Twice", "2")]}),
    ],
)
def test_it_answers_as_the_server_does(
    mock: Mock, verb: str, target: str, more: dict[str, Any]
) -> None:
    """Status, body and the mock's own headers are the same with a socket and without."""
    body = more.pop("content", b"")
    parts = b"".join(body) if not isinstance(body, bytes) else body
    streamed = not isinstance(body, bytes)
    with mock.client() as inside, httpx.Client(base_url=mock.url) as outside:
        answers = [
            client.request(verb, target, content=iter([parts]) if streamed else parts, **more)
            for client in (inside, outside)
        ]

    seen = [(one.status_code, one.content, one.headers.get("X-Mock-Statement")) for one in answers]
    assert seen[0] == seen[1]
    assert "X-Crmcom-Mock" in answers[0].headers


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


def answering(
    *parts: bytes | Exception, length: int | None = None, starts: bool = True
) -> httpx.Client:
    """Return a client of an application whose answers have these parts."""

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        del environ
        if starts:
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


def test_no_answer_at_all_is_a_dropped_connection() -> None:
    """An application that ends without an answer looks like a server that hung up."""
    with answering(starts=False) as client, pytest.raises(ERROR, match="without sending a respon"):
        client.get("/")


def test_a_client_that_waits_for_less_than_a_fault_takes_times_out(mock: Mock) -> None:
    """As over a socket the client gives up, and the mock carries the call out all the same."""
    world = mock.world("slow")
    body = {"token": world.token, "webhook_request_identifier": {"number": "7"}}
    with world.client(timeout=0.05) as client, world.fail(delay=60_000, when="after_commit"):
        with pytest.raises(httpx.ReadTimeout):
            client.post("webhook_requests/delete", json=body)
        assert "7" not in world.records
        world.clock.freeze()
        answer = client.post("webhook_requests/delete", json=body, timeout=30)
        assert answer.json()["status"]["code"] != "OK"
    with world.client(timeout=0.05, headers={"X-Mock-Prefer": "delay=60000"}) as client:
        world.clock.restart()
        with pytest.raises(httpx.ReadTimeout):
            client.post("webhook_requests/delete", json=body)
    world.end()
