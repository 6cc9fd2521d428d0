"""The client: budget, rate, waits, bounds, a deadline, and what it takes for an outage."""

import gzip
import math
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from random import Random

import httpx
import pytest
from helpers.receivers import listening
from helpers.tables import raises_for

from crmcom_kit.contract_tests.client import http
from crmcom_kit.contract_tests.client.errors import (
    BudgetSpent,
    NoResponse,
    ResponseLost,
    ResponseTooLong,
    TargetDown,
    Unreachable,
)
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.http import (
    MAX_CONTAINERS,
    MAX_TRIES,
    MAX_WAITS,
    PAUSE,
    Client,
    Limits,
)
from crmcom_kit.contract_tests.client.targets import Login, Target
from crmcom_kit.schemas import resolve

OK = {"status": {"code": "OK", "message": "", "description": ""}, "data": {}}
GET = Call("show", "GET", "webhook_requests/show")
POST = Call("delete", "POST", "webhook_requests/delete", body=b"{}")

TARGET = Target(
    name="a server",
    base_url="http://server/crmapi/rest/v2",
    release=resolve("R9"),
    login=Login(token="t"),
)

Handler = Callable[[httpx.Request], httpx.Response]


class Clock:
    """Seconds that pass only while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


def client(
    handler: Handler, clock: Clock | None = None, ends_at: float = math.inf, **limits: float
) -> Client:
    """A client whose target responds as ``handler`` does."""
    target = replace(TARGET, transport=httpx.MockTransport(handler))
    clock = clock or Clock()
    allowed: dict[str, object] = dict(limits)
    return Client(target, Limits(**allowed), ends_at=ends_at, now=clock.now, sleep=clock.sleep)  # type: ignore[arg-type]


def in_turn(*responses: httpx.Response) -> Handler:
    """Respond with each of these in turn, the last one for ever."""
    left = list(responses)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_the_budget_counts_every_request() -> None:
    """Those that were asked to wait as well; what is reserved is spent once it is released."""
    sender = client(in_turn(httpx.Response(429), httpx.Response(200, json=OK)), max_requests=4)
    sender.kept_requests = 1

    sender.send(GET)
    sender.send(GET)

    with pytest.raises(BudgetSpent, match="no more than 4 requests"):
        sender.send(GET)
    assert (sender.sent, len(sender.history)) == (3, 2)
    sender.kept_requests = 0
    assert sender.send(GET).ok


def test_the_rate_is_kept() -> None:
    clock = Clock()
    sender = client(in_turn(httpx.Response(200, json=OK)), clock, rate=4)

    for _ in range(5):
        sender.send(GET)

    assert clock.seconds == pytest.approx(1.0)


@pytest.mark.parametrize("once", [True, False])
def test_retry_after_is_respected(*, once: bool) -> None:
    waits = {"7": 7.0, "soon": 1.0, "Tue, 24 Nov 2026 20:00:08 GMT": 1.0, None: 1.0}
    for header, seconds in waits.items():
        headers = {} if header is None else {"Retry-After": header}
        clock, busy = Clock(), httpx.Response(429, headers=headers)
        sender = client(in_turn(busy, httpx.Response(200, json=OK)), clock)

        assert sender.send(POST, once=once).ok
        assert clock.slept == [seconds]


def test_a_wait_that_is_too_long_ends_the_run() -> None:
    with pytest.raises(TargetDown, match="asks the run to wait 3600 s"):
        client(in_turn(httpx.Response(429, headers={"Retry-After": "3600"}))).send(GET)


def test_an_outage_is_no_response() -> None:
    """A target that asks to wait each time is down, and so is one behind a gateway that goes on."""
    for status, page, tries in (
        (429, b"", MAX_WAITS),
        (502, b"<html>Bad Gateway</html>", MAX_TRIES),
        (503, b'{"message": "Unavailable"}', MAX_WAITS),
    ):
        sender = client(in_turn(httpx.Response(status, content=page)))
        with pytest.raises(TargetDown, match=f"{tries} times in a row with HTTP {status} to GET"):
            sender.send(GET)
        assert sender.sent == tries


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_hiccup_of_a_gateway_is_passed_over(status: int) -> None:
    """What a gateway says in place of the server deserves another try; an envelope is no hiccup."""
    clock = Clock()
    pages = [{"message": "Oops"}, {"status": {"code": "X", "message": "no", "description": ""}}]
    hiccup = httpx.Response(status, text="<html>Bad Gateway</html>")
    sender = client(in_turn(hiccup, *(httpx.Response(status, json=each) for each in pages)), clock)

    assert sender.send(POST).code == "X"
    assert sender.sent == 3
    assert len(sender.history) == 1
    assert sender.hiccups == {status: 2}
    assert 0 < clock.seconds < 5


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "2"}])
def test_what_may_have_been_done_is_not_sent_again(headers: dict[str, str]) -> None:
    """A gateway does not say whether a resend or delete has reached the server."""
    sender = client(in_turn(httpx.Response(503, headers=headers), httpx.Response(200, json=OK)))

    with pytest.raises(ResponseLost, match="HTTP 503, and webhook_requests/delete is never sent"):
        sender.send(POST, once=True)
    assert sender.sent == 1
    assert not sender.history


def test_a_gateway_that_responds_to_each_change_is_an_outage() -> None:
    bad, good = httpx.Response(502), httpx.Response(200, json=OK)
    sender = client(in_turn(*[bad] * (MAX_TRIES - 1), good, *[bad] * MAX_TRIES))

    def lose(times: int) -> None:
        for _ in range(times):
            with pytest.raises(ResponseLost):
                sender.send(POST, once=True)

    lose(MAX_TRIES - 1)
    assert sender.send(POST, once=True).ok
    lose(MAX_TRIES - 1)
    with pytest.raises(TargetDown, match="is down: 5 times in a row a gateway returned HTTP 502"):
        sender.send(POST, once=True)


def failing_at(*numbers: int) -> Handler:
    """Close the connection at the requests of some numbers."""
    left = count(1)

    def respond(request: httpx.Request) -> httpx.Response:
        if next(left) in numbers:
            raise httpx.ReadError("closed", request=request)
        return httpx.Response(200, json=OK)

    return respond


def test_a_request_without_a_response_is_sent_once_more() -> None:
    """After a pause; but not what may have been done."""
    clock = Clock()
    sender = client(failing_at(2, 5), clock)

    assert sender.send(GET).ok
    assert sender.send(GET).ok
    assert sender.send(GET).ok
    assert clock.slept == [PAUSE]
    with pytest.raises(NoResponse, match="POST webhook_requests/delete"):
        sender.send(POST, once=True)
    assert sender.sent == 5


def test_no_response_ends_the_run_if_several_requests_in_a_row_have_none() -> None:
    """One that never gets a response ends itself; a target that never gave one is down at once."""
    with pytest.raises(TargetDown, match=r"does not respond.*GET webhook_requests/show\); check"):
        client(failing_at(1)).send(GET)
    sender = client(failing_at(2, 3, 5, 6, *range(8, 12)))
    sender.send(GET)
    for _ in range(2):
        with pytest.raises(NoResponse, match="does not respond: ReadError"):
            sender.send(GET)
        assert sender.send(GET).ok
    for _ in range(2):
        with pytest.raises(NoResponse):
            sender.send(GET)
    with pytest.raises(TargetDown, match="nor to the 3 requests before"):
        sender.send(GET)
    assert sender.sent == 11
    assert sender.silences == {"GET webhook_requests/show": 8}


def test_what_http_cannot_hold_is_not_sent() -> None:
    """A token beyond ASCII, say, in a header; only the request ends."""
    sender = client(failing_at())
    header = ("Authorization", "Bearer é€")

    for call in (Call("", "GET", "x", "a=\ud800"), Call("", "GET", "x", headers=(header,))):
        with raises_for(call, Unreachable, match="not sent: GET x has what no URL or header can"):
            sender.send(call)
    assert sender.sent == 0


def test_a_long_response_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1000
            yield b"x" * 1000

    monkeypatch.setattr(http, "MAX_RESPONSE", 10_000)
    sender = client(in_turn(httpx.Response(200, content=endless())))

    message = "the response to GET webhook_requests/show is longer than 10000 bytes"
    with pytest.raises(ResponseTooLong, match=message):
        sender.send(GET)
    assert read <= 20_000


@pytest.mark.parametrize("what", ["a drip", "a wait that is asked for", "the rate"])
def test_nothing_outlasts_the_time_of_a_run(what: str) -> None:
    clock = Clock()

    def drip() -> Iterator[bytes]:
        while True:
            clock.seconds += 1
            yield b" "

    responses = {
        "a drip": httpx.Response(200, content=drip()),
        "a wait that is asked for": httpx.Response(429, headers={"Retry-After": "8"}),
        "the rate": httpx.Response(200, json=OK),
    }
    sender = client(in_turn(responses[what]), clock, ends_at=20.0, rate=1 / 8)

    with pytest.raises(BudgetSpent, match="the time of the run is over"):  # noqa: PT012 - at one of these
        for _ in range(4):
            sender.send(GET)
    assert sender.is_time_up
    assert clock.seconds <= 20
    sent = sender.sent
    clock.seconds = 21
    with pytest.raises(BudgetSpent, match="the time of the run is over"):
        sender.send(GET)
    assert sender.sent == sent


def test_many_tiny_objects_are_not_read() -> None:
    """A short text may take much memory as objects, so it is given up before it is read."""
    for empty in (b"{},", b"[],", b'{"a":'):
        sender = client(in_turn(httpx.Response(200, content=empty * (MAX_CONTAINERS + 1))))
        with raises_for(empty, ResponseTooLong, match="JSON objects and arrays"):
            sender.send(GET)


def test_a_run_keeps_so_many_bytes_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long responses are whole whenever they are asked for; too many of them end the run."""
    monkeypatch.setattr(http, "MAX_KEPT", 10_000)
    bodies = [b'{"data": "%d%s"}' % (at, b"x" * 1_000_000) for at in range(9)]
    sender = client(in_turn(*(httpx.Response(200, content=each) for each in bodies)))

    with pytest.raises(BudgetSpent, match="as many bytes as it keeps"):  # noqa: PT012 - one of these
        for _ in bodies:
            sender.send(GET)

    assert 1 < len(sender.history) < len(bodies)
    assert [each.content for each in sender.history] == bodies[: len(sender.history)]
    assert [each.json["data"][0] for each in sender.history] == ["0", "1", "2"][
        : len(sender.history)
    ]


def test_a_long_body_that_comes_again_takes_no_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of thousands is kept once for all requests that it is the response to."""
    monkeypatch.setattr(http, "MAX_KEPT", 10_000)
    sender = client(in_turn(httpx.Response(200, content=b'{"data": "%s"}' % (b"y" * 2_000_000))))

    sent = [sender.send(GET) for _ in range(20)]

    assert len({id(each.json) for each in sent}) == 1


def test_a_long_request_is_not_sent() -> None:
    """A token of megabytes, say, would come back in each request."""
    sender = client(in_turn(httpx.Response(200, json=OK)))

    with pytest.raises(Unreachable, match="a request of 10006 bytes"):
        sender.send(Call("show", "GET", "webhook_requests/show", "token=" + "x" * 10_000))
    assert sender.sent == 0


def test_a_request_asks_for_no_coding_and_may_close_its_connection() -> None:
    """No coding is asked for, which may be a bomb; nothing follows the body of a GET.

    A server may leave that body unread, and take it for the beginning of the next request.
    """
    names = ("Accept-Encoding", "Connection")
    sender = client(
        lambda request: httpx.Response(200, json=[request.headers.get(name) for name in names])
    )

    assert sender.send(GET).json == ["identity", None]
    assert sender.send(replace(GET, body=b"{}")).json == ["identity", "close"]


TWICE = gzip.compress(gzip.compress(b"{}"))


def test_a_gzip_that_was_not_asked_for_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_RESPONSE", 10_000)
    bomb = gzip.compress(b"0" * 100_000)
    longer_than_its_content = gzip.compress(Random(1).randbytes(9_999)) + b"more"
    for coding, body, content in (
        ("gzip", gzip.compress(b'{"a": 1}'), b'{"a": 1}'),
        ("gzip, gzip", TWICE, TWICE),
        ("gzip", b"no gzip", b"no gzip"),
        ("gzip", bomb, None),
        ("gzip", longer_than_its_content, None),
    ):
        response = httpx.Response(200, content=iter([body]), headers={"Content-Encoding": coding})
        sender = client(in_turn(response))
        if content is not None:
            assert sender.send(GET).content == content
            continue
        with pytest.raises(ResponseTooLong):
            sender.send(GET)


def test_unreadable_headers_are_no_outage() -> None:
    """Cookies are not sent back and redirects not followed, so neither needs to be readable."""
    odd = [(b"Set-Cookie", b"a=\xe9; Path=/"), (b"Location", b"http://[::1")]
    sent: list[bool] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append("Cookie" in request.headers)
        return httpx.Response(302, headers=odd, json=OK)

    sender = client(respond)
    sender.send(GET)

    assert sender.send(GET).status == 302
    assert sent == [False, False]


@pytest.mark.parametrize(
    "part",
    [b"HTTP/1.1 100 Continue\r\n\r\n" * 50, b"H", b""],
    ids=["interim responses", "a byte now and then", "silence"],
)
def test_no_response_outlasts_the_time_out(part: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        while not server.ended.wait(0.05):
            connection.sendall(part)

    with listening(drip) as server:
        sender = Client(replace(TARGET, base_url=server.url), Limits(timeout=0.5))
        with pytest.raises(TargetDown, match="ReadTimeout"):
            sender.send(GET)  # the first one of all: nothing was ever there
        sender.close()
